"""A flow as BPMN 2.0 XML with its drawing, so that any standard modeller opens and prints it.

Steps become user tasks (with multiple instances where several people sign), choices exclusive gateways, parallel
blocks parallel or, with conditions, inclusive gateways; forks and joins are pairs. What BPMN has no element for
(people, votes, where a refusal leads) stands in the documentation of the task. Export only: YAML stays the definition.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree import ElementTree as Xml

from guanxi.registry.approvals import Branch, Choose, Flow, Node, Parallel, Step

from .approvers import said

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DD = "http://www.omg.org/spec/DD/20100524/DI"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
TASK, GATE, EVENT = (110, 80), (50, 50), (36, 36)
GAP, ROW = 60, 30


@dataclass
class _Box:
    """One drawn element: its XML and where it stands."""

    element: Xml.Element
    x: int
    y: int
    width: int
    height: int

    @property
    def left(self) -> tuple[int, int]:
        return self.x, self.y + self.height // 2

    @property
    def right(self) -> tuple[int, int]:
        return self.x + self.width, self.y + self.height // 2


@dataclass
class _Drawing:
    """The process while it is drawn: boxes and the flows between them."""

    flow: Flow
    language: str
    process: Xml.Element
    boxes: list[_Box] = field(default_factory=list)
    lines: list[tuple[Xml.Element, _Box, _Box]] = field(default_factory=list)

    def box(self, kind: str, name: str, label: str, at: tuple[int, int], size: tuple[int, int]) -> _Box:
        """A new element, `at` its left edge and the middle of its height."""
        element = Xml.SubElement(self.process, f"{{{MODEL}}}{kind}", id=name, name=label)
        made = _Box(element, at[0], at[1] - size[1] // 2, *size)
        self.boxes.append(made)
        return made

    def line(self, source: _Box, target: _Box, label: str = "", condition: str = "") -> Xml.Element:
        """A sequence flow."""
        number = f"flow_{len(self.lines) + 1}"
        attributes = {
            "id": number,
            "sourceRef": source.element.get("id", ""),
            "targetRef": target.element.get("id", ""),
        }
        if label:
            attributes["name"] = label
        element = Xml.Element(f"{{{MODEL}}}sequenceFlow", attributes)
        if condition:
            kind = {f"{{{XSI}}}type": "tFormalExpression"}
            Xml.SubElement(element, f"{{{MODEL}}}conditionExpression", kind).text = condition
        self.lines.append((element, source, target))
        return element

    # the tree ---------------------------------------------------------------------------------------
    def nodes(self, nodes: tuple[Node, ...], before: _Box, x: int, y: int) -> tuple[_Box, int]:
        """Draw a list from `before` on; the last box and where free space begins."""
        for node in nodes:
            before, x = self.step(node, before, x, y) if isinstance(node, Step) else self.block(node, before, x, y)
        return before, x

    def step(self, step: Step, before: _Box, x: int, y: int) -> tuple[_Box, int]:
        if step.when is not None:
            return self._left_out(step, before, x, y)
        made = self._task(step, x, y)
        self.line(before, made)
        return made, x + made.width + GAP

    def _left_out(self, step: Step, before: _Box, x: int, y: int) -> tuple[_Box, int]:
        """A step with a condition stands between two gateways; the way around it is the default."""
        fork = self.box("exclusiveGateway", f"{step.name}_if", "", (x, y), GATE)
        self.line(before, fork)
        made = self._task(step, x + GATE[0] + GAP, y)
        self.line(fork, made, condition=step.when.source if step.when is not None else "")
        join = self.box("exclusiveGateway", f"{step.name}_join", "", (made.x + made.width + GAP, y), GATE)
        self.line(made, join)
        fork.element.set("default", self.line(fork, join).get("id", ""))
        return join, join.x + GATE[0] + GAP

    def _task(self, step: Step, x: int, y: int) -> _Box:
        kind = {"approve": "userTask", "cc": "sendTask"}.get(step.kind, "task")
        made = self.box(kind, step.name, step.label.text(self.language), (x, y), TASK)
        Xml.SubElement(made.element, f"{{{MODEL}}}documentation").text = _documented(self.flow, step, self.language)
        if step.kind == "approve" and step.sign.mode != "any":
            several = Xml.SubElement(made.element, f"{{{MODEL}}}multiInstanceLoopCharacteristics")
            several.set("isSequential", "true" if step.sign.mode == "in_order" else "false")
            Xml.SubElement(several, f"{{{MODEL}}}loopCardinality").text = "people"
        return made

    def block(self, block: Choose | Parallel, before: _Box, x: int, y: int) -> tuple[_Box, int]:
        kind = "exclusiveGateway"
        if isinstance(block, Parallel):
            kind = "inclusiveGateway" if any(one.when is not None for one in block.branches) else "parallelGateway"
        fork = self.box(kind, block.name, "", (x, y), GATE)
        self.line(before, fork)
        heights = [_height(branch.steps) for branch in block.branches]
        top = y - (sum(heights) + ROW * (len(heights) - 1)) // 2
        ends: list[tuple[_Box, Branch]] = []
        free = x + GATE[0] + GAP
        for branch, height in zip(block.branches, heights, strict=True):
            first = len(self.lines)
            end, right = self.nodes(branch.steps, fork, x + GATE[0] + GAP, top + height // 2)
            if branch.steps:
                self._named(block, fork, branch, self.lines[first][0])
            ends.append((end, branch))
            free, top = max(free, right), top + height + ROW
        join = self.box(kind, f"{block.name}_join", "", (free, y), GATE)
        for end, branch in ends:
            line = self.line(end, join)
            if end is fork:
                self._named(block, fork, branch, line)
        return join, free + GATE[0] + GAP

    def _named(self, block: Choose | Parallel, fork: _Box, branch: Branch, line: Xml.Element) -> None:
        """Label and condition of the way into a branch."""
        line.set("name", branch.label.text(self.language))
        if branch.when is not None:
            kind = {f"{{{XSI}}}type": "tFormalExpression"}
            Xml.SubElement(line, f"{{{MODEL}}}conditionExpression", kind).text = branch.when.source
        elif isinstance(block, Choose):
            fork.element.set("default", line.get("id", ""))


def _documented(flow: Flow, step: Step, language: str) -> str:
    """What the element cannot say itself."""
    sign = step.sign
    votes = {"percent": f"{sign.percent}%", "count": str(sign.count)}.get(sign.mode, "")
    found = ["who: " + ", ".join(said(who) for who in step.who)] if step.who else []
    found += [f"sign: {sign.mode} {votes}".strip()] if step.kind == "approve" else [step.kind]
    found += [f"on_reject: {step.on_reject}"] if step.on_reject != "end" else []
    found += [f"self: {step.self_policy or flow.self_policy}", f"empty: {step.empty or flow.empty}"]
    return "\n".join([*([step.help.text(language)] if step.help.text(language) else []), *found])


def _height(nodes: tuple[Node, ...]) -> int:
    """How much room a list needs."""
    found = TASK[1]
    for node in nodes:
        if not isinstance(node, Step):
            heights = [_height(branch.steps) for branch in node.branches]
            found = max(found, sum(heights) + ROW * (len(heights) - 1))
    return found


def to_bpmn(flow: Flow, language: str = "en") -> str:
    """The XML text of a flow."""
    for prefix, space in (("", MODEL), ("bpmndi", DI), ("dc", DC), ("di", DD), ("xsi", XSI)):
        Xml.register_namespace(prefix, space)
    root = Xml.Element(
        f"{{{MODEL}}}definitions", id=f"definitions_{flow.name}", targetNamespace="https://guanxi.dev/bpmn"
    )
    process = Xml.SubElement(
        root, f"{{{MODEL}}}process", id=f"approval_{flow.name}", name=flow.label.text(language), isExecutable="false"
    )
    if flow.description.text(language):
        Xml.SubElement(process, f"{{{MODEL}}}documentation").text = flow.description.text(language)
    drawing = _Drawing(flow, language, process)
    middle = _height(flow.steps) // 2 + 40
    start = drawing.box("startEvent", "submitted_", ", ".join(flow.start.on), (40, middle), EVENT)
    last, free = drawing.nodes(flow.steps, start, 40 + EVENT[0] + GAP, middle)
    end = drawing.box("endEvent", "approved_", "approved", (free, middle), EVENT)
    drawing.line(last, end)
    _finish(root, process, drawing)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _finish(root: Xml.Element, process: Xml.Element, drawing: _Drawing) -> None:
    """Which flows come into and leave each element, then the diagram."""
    for box in drawing.boxes:
        ways = [
            (word, line.get("id", ""))
            for word, end in (("incoming", 2), ("outgoing", 1))
            for line, *ends in drawing.lines
            if ends[end - 1] is box
        ]
        after = 1 if box.element.find(f"{{{MODEL}}}documentation") is not None else 0
        for place, (word, number) in enumerate(ways, start=after):
            element = Xml.Element(f"{{{MODEL}}}{word}")
            element.text = number
            box.element.insert(place, element)
    process.extend(line for line, _, _ in drawing.lines)
    diagram = Xml.SubElement(root, f"{{{DI}}}BPMNDiagram", id="diagram")
    plane = Xml.SubElement(diagram, f"{{{DI}}}BPMNPlane", id="plane", bpmnElement=process.get("id", ""))
    for box in drawing.boxes:
        name = box.element.get("id", "")
        shape = Xml.SubElement(plane, f"{{{DI}}}BPMNShape", id=f"{name}_di", bpmnElement=name)
        bounds = {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
        Xml.SubElement(shape, f"{{{DC}}}Bounds", {key: str(value) for key, value in bounds.items()})
    for line, source, target in drawing.lines:
        name = line.get("id", "")
        edge = Xml.SubElement(plane, f"{{{DI}}}BPMNEdge", id=f"{name}_di", bpmnElement=name)
        for x, y in _points(source, target):
            Xml.SubElement(edge, f"{{{DD}}}waypoint", x=str(x), y=str(y))


def _points(source: _Box, target: _Box) -> list[tuple[int, int]]:
    """Straight, or with two corners half-way."""
    (x1, y1), (x2, y2) = source.right, target.left
    return [(x1, y1), (x2, y2)] if y1 == y2 else [(x1, y1), ((x1 + x2) // 2, y1), ((x1 + x2) // 2, y2), (x2, y2)]

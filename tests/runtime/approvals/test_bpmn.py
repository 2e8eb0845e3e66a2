"""The drawing of a flow: well-formed, every element drawn, every flow between elements that exist, nothing overlaps."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree as Xml

import pytest

from guanxi.runtime.approvals.bpmn import DC, DD, DI, MODEL, to_bpmn
from tests.runtime.approvals.test_foresight import FLOWS
from tests.support.approvals import BASE, flow
from tests.support.project import registry_of

NESTED = (
    "  a: {label: {en: First <&, zh: 初审}, who: {role: legal}, when: amount > 1}\n"
    "  p: {parallel: {x: {steps: {c: {choose: {big: {when: amount > 9, steps: {x1: {who: {role: legal}}}},"
    " other: {steps: {}}}}}}, y: {when: discount > 5, steps: {y1: {who: {role: board}, sign: in_order}}}}}\n"
    "  z: {as: cc, who: {role: board}}"
)


def tag(name: str) -> str:
    return f"{{{MODEL}}}{name}"


@pytest.mark.parametrize("steps", [*FLOWS.values(), NESTED])
def test_sound(steps: str) -> None:
    found = registry_of(BASE + flow(steps)).others["approval"]["f"]
    text = to_bpmn(found, "zh")
    root = Xml.fromstring(text)
    process = root.find(tag("process"))
    assert process is not None
    flows = process.findall(tag("sequenceFlow"))
    elements = {one.get("id"): one for one in process if one.tag not in (tag("sequenceFlow"), tag("documentation"))}
    assert {step.name for step in found.all_steps()} <= set(elements)
    for line in flows:
        for end, word in (("sourceRef", "outgoing"), ("targetRef", "incoming")):
            assert line.get("id") in [one.text for one in elements[line.get(end)].findall(tag(word))]
    for element in elements.values():
        children = [one.tag for one in element]
        ways = [place for place, name in enumerate(children) if name in (tag("incoming"), tag("outgoing"))]
        first = 1 if tag("documentation") in children else 0
        assert ways == list(range(first, first + len(ways)))
        if element.get("default"):
            assert element.get("default") in [one.text for one in element.findall(tag("outgoing"))]
    reached, todo = set(), ["submitted_"]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += [line.get("targetRef") for line in flows if line.get("sourceRef") == name]
    assert reached == set(elements)
    boxes = {}
    for shape in root.iter(f"{{{DI}}}BPMNShape"):
        bounds = shape.find(f"{{{DC}}}Bounds")
        assert bounds is not None
        boxes[shape.get("bpmnElement")] = tuple(int(bounds.get(key, "")) for key in ("x", "y", "width", "height"))
    assert set(boxes) == set(elements)
    for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(boxes.values(), 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
    edges = {edge.get("bpmnElement"): edge.findall(f"{{{DD}}}waypoint") for edge in root.iter(f"{{{DI}}}BPMNEdge")}
    assert set(edges) == {line.get("id") for line in flows}
    assert all(len(points) >= 2 for points in edges.values())


def test_gateways_conditions_and_labels() -> None:
    root = Xml.fromstring(to_bpmn(registry_of(BASE + flow(NESTED)).others["approval"]["f"], "zh"))
    kinds = {one.get("id"): one.tag.split("}")[1] for one in root.iter() if one.get("id")}
    assert (kinds["p"], kinds["p_join"], kinds["c"], kinds["z"]) == (
        *("inclusiveGateway", "inclusiveGateway", "exclusiveGateway", "sendTask"),
    )
    assert root.find(f".//{tag('userTask')}[@id='a']").get("name") == "初审"  # type: ignore[union-attr]
    said = {one.text for one in root.iter(tag("conditionExpression"))}
    assert said == {"amount > 1", "amount > 9", "discount > 5"}
    assert (
        root.find(f".//{tag('userTask')}[@id='y1']/{tag('multiInstanceLoopCharacteristics')}").get("isSequential")
        == "true"
    )  # type: ignore[union-attr]

"""From the plain data of a list of steps to compiled steps, in one place for both its readers.

Publishing calls `build_steps` with a ground that notes faults at their lines; a running instance that keeps its own
text calls it with one that raises. One function per verb turns what YAML gives into what the verb is carried
out with; the keys stay the same (see `registry.steps`). A verb without a function here is refused by the document's
model before it comes this far.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guanxi.common.names import name_fault
from guanxi.common.text import described
from guanxi.expressions.types import DATE, DATETIME

from .step_parts import Ground, Path, amount, body, calendar, condition, expression, people, texts, time_of_day, values
from .steps import Branch, Step

SHARES = ("first", "round_robin", "least_loaded")
_SPANS = ("days", "hours", "minutes", "working_days")


def build_steps(ground: Ground, path: Path, steps: Sequence[Any], inside: str = "") -> tuple[Step, ...]:
    """The compiled steps; notes everything that names what does not exist or has the wrong type."""
    made = []
    for index, step in enumerate(steps):
        verb, given = (step, None) if isinstance(step, str) else next(iter(step.items()))
        where = f"{inside}{index}"
        here: Path = (*path, index) if isinstance(step, str) else (*path, index, verb)
        if verb == "stop" and index < len(steps) - 1:
            ground.error("never-true", "what follows a stop is never done", (*path, index + 1))
        compiled = _VERBS[verb](ground, here, given, where)
        place = ground.place((*path, index))
        made.append(Step(verb, compiled, ground.subject, ground.outer, where, place))
    return tuple(made)


# the record and others --------------------------------------------------------------------------------------------
def _set(ground: Ground, path: Path, given: Any, _: str) -> Any:
    return values(ground, path, given, ground.subject)


def _create(ground: Ground, path: Path, given: Any, _: str) -> Any:
    target = given["object"]
    if not _object(ground, (*path, "object"), target):
        return {"object": "", "values": {}}
    return {"object": target, "values": values(ground, (*path, "values"), given.get("values", {}), target)}


def _object(ground: Ground, path: Path, name: object) -> bool:
    if isinstance(name, str) and ground.has("object", name):
        return True
    ground.unknown("unknown-object", "object", str(name), ground.names("object"), path)
    return False


def _list(ground: Ground, path: Path, name: object) -> tuple[str, str] | None:
    """Object and field of a related list; notes one that does not exist."""
    found = ground.related(name) if isinstance(name, str) else None
    if found is None:
        what = f"list of {ground.subject}"
        ground.unknown("unknown-reference", what, str(name), ground.related_names(), path)
    return found


def _update(ground: Ground, path: Path, given: Any, _: str) -> Any:
    if ("list" in given) == ("object" in given):
        ground.error("wrong-value", "say either the related 'list' or the 'object' whose records are changed", path)
        return {}
    if ground.outer:
        ground.error("model-rule", "inside for_each the record itself is changed with 'set'", path, key=True)
        return {}
    if "list" in given:
        found = _list(ground, (*path, "list"), given["list"])
        child, field = found if found is not None else ("", "")
    else:
        child, field = given["object"] if _object(ground, (*path, "object"), given["object"]) else "", ""
        if "where" not in given:
            ground.error("missing-key", "'where' is missing: which records of the object are changed", path)
    if not child:
        return {}
    inner = ground.inside(child)
    return {
        "object": child,
        "field": field,
        "where": condition(inner, (*path, "where"), given.get("where")),
        "values": values(inner, (*path, "values"), given["values"], child),
    }


def _nothing(_: Ground, __: Path, ___: Any, ____: str) -> Any:
    return None


# people -----------------------------------------------------------------------------------------------------------
def _notify(ground: Ground, path: Path, given: Any, _: str) -> Any:
    _one_of(ground, path, given, ("text", "template"))
    made = {"to": people(ground, (*path, "to"), given["to"])}
    return made | _written(ground, path, given, ("text",))


def _email(ground: Ground, path: Path, given: Any, _: str) -> Any:
    _one_of(ground, path, given, ("body", "template"))
    if "template" in given and "subject" in given and "body" not in given:
        ground.error("wrong-value", "say either 'subject' or 'template'", path)
    made: dict[str, Any] = {"to": people(ground, (*path, "to"), given["to"], addresses=True)}
    if "cc" in given:
        made["cc"] = people(ground, (*path, "cc"), given["cc"], addresses=True)
    if "template" not in given and ("body" in given) != ("subject" in given):
        ground.error("wrong-value", "a text of its own has a 'subject' and a 'body'", path)
    if "attachments" in given:
        made["attachments"] = _files(ground, (*path, "attachments"), given["attachments"])
    if "form" in given:
        if not ground.has("form", str(given["form"])):
            ground.unknown("unknown-reference", "form", str(given["form"]), ground.names("form"), (*path, "form"))
        made["form"] = str(given["form"])
    return made | _written(ground, path, given, ("subject", "body"))


def _files(ground: Ground, path: Path, given: object) -> tuple[str, ...]:
    """Names of fields that hold a file."""
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        ground.error("wrong-type", f"a list of file fields is needed here, not {described(given)}", path)
        return ()
    for index, name in enumerate(given):
        if not ground.file_field(name):
            ground.error("unknown-field", f"'{name}' is no file field of {ground.subject}", (*path, index))
    return tuple(given)


def _sms(ground: Ground, path: Path, given: Any, _: str) -> Any:
    _one_of(ground, path, given, ("text", "template"))
    made = {"to": people(ground, (*path, "to"), given["to"], addresses=True)}
    return made | _written(ground, path, given, ("text",))


def _one_of(ground: Ground, path: Path, given: Mapping[str, Any], keys: tuple[str, str]) -> None:
    if (keys[0] in given) == (keys[1] in given):
        ground.error("wrong-value", f"say either '{keys[0]}' or '{keys[1]}'", path)


def _written(ground: Ground, path: Path, given: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {key: texts(ground, (*path, key), given[key]) for key in keys if key in given}
    if "template" in given:
        name = given["template"]
        if not isinstance(name, str) or not ground.has("template", name):
            ground.unknown("unknown-reference", "template", str(name), ground.names("template"), (*path, "template"))
        made["template"] = name
    return made


def _task(ground: Ground, path: Path, given: Any, _: str) -> Any:
    made: dict[str, Any] = {
        "to": people(ground, (*path, "to"), given["to"]),
        "subject": texts(ground, (*path, "subject"), given["subject"]),
    }
    if "note" in given:
        made["note"] = texts(ground, (*path, "note"), given["note"])
    if "due" in given:
        made["due"] = _due(ground, (*path, "due"), given["due"])
    return made


def _due(ground: Ground, path: Path, given: Any) -> Any:
    if not isinstance(given, dict):
        return expression(ground, path, given, DATE)
    return _span(ground, path, given, ("days", "working_days", "calendar"))


def _span(ground: Ground, path: Path, given: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """How long, from now: one number under its unit, and the calendar of working days."""
    made: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            ground.unknown("unknown-key", "key", str(key), known, (*path, key), key=True)
        elif key == "calendar":
            made[key] = calendar(ground, (*path, key), value)
        else:
            made[key] = amount(ground, (*path, key), value, most=5_000_000 if key == "minutes" else 36_500)
    units = [key for key in made if key in _SPANS]
    if len(units) != 1:
        ground.error("wrong-value", f"say how long by one of {', '.join(k for k in known if k in _SPANS)}", path)
    elif "calendar" in made and units != ["working_days"]:
        ground.error("wrong-value", "a calendar counts working_days", (*path, "calendar"))
    return made


def _assign(ground: Ground, path: Path, given: Any, _: str) -> Any:
    if not ground.owned():
        ground.error("model-rule", f"records of '{ground.subject}' have no owner", path, key=True)
    by = given.get("by", "first")
    if by not in SHARES:
        known = ", ".join(SHARES)
        ground.error("wrong-value", f"by must be one of {known}, not {described(by)}", (*path, "by"))
    turn = ".".join(str(part) for part in (ground.place(path).file.rpartition("/")[2], ground.subject, *path))
    return {"to": people(ground, (*path, "to"), given["to"]), "by": by, "turn": turn}


def _to_pool(ground: Ground, path: Path, given: Any, _: str) -> Any:
    keyed = {"pool": given} if isinstance(given, str) else given
    if not ground.has("pool", str(keyed["pool"])):
        ground.unknown("unknown-reference", "pool", str(keyed["pool"]), ground.names("pool"), path)
    return keyed


def _approval(ground: Ground, path: Path, given: Any, _: str) -> Any:
    name = given if isinstance(given, str) else given["name"]
    if not ground.has("approval", str(name)):
        ground.unknown("unknown-reference", "approval", str(name), ground.names("approval"), path)
    return {"name": name}


# outside and the timeline -----------------------------------------------------------------------------------------
def _webhook(ground: Ground, path: Path, given: Any, _: str) -> Any:
    name, data = given["url_from"], given.get("body", {})
    if not isinstance(name, str) or name_fault(name):
        ground.error("missing-key", "'url_from' is missing: the name of a webhook in guanxi.yaml", path)
    if not isinstance(data, dict):
        ground.error("wrong-type", f"a map is needed here, not {described(data)}", (*path, "body"))
        data = {}
    return {"url_from": name, "body": body(ground, (*path, "body"), data)}


def _post(ground: Ground, path: Path, given: Any, _: str) -> Any:
    if isinstance(given, dict) and "text" in given:
        return {"text": texts(ground, (*path, "text"), given["text"])}
    return {"text": texts(ground, path, given)}


# order ------------------------------------------------------------------------------------------------------------
def _choose(ground: Ground, path: Path, given: Any, where: str) -> Any:
    branches = []
    names = list(given)
    for name, branch in given.items():
        when = condition(ground, (*path, name, "when"), branch.get("when"))
        if "when" not in branch and name != names[-1]:
            said = "the branch without 'when' is taken when no other is, so it stands last"
            ground.error("model-rule", said, (*path, name), key=True)
        do = build_steps(ground, (*path, name, "do"), branch["do"], f"{where}.{name}.")
        branches.append(Branch(name, when, do))
    return tuple(branches)


def _for_each(ground: Ground, path: Path, given: Any, where: str) -> Any:
    if ground.outer:
        ground.error("model-rule", "for_each cannot stand inside for_each", path, key=True)
        return {"object": "", "field": "", "where": None, "do": ()}
    found = _list(ground, (*path, "list"), given["list"])
    if found is None:
        return {"object": "", "field": "", "where": None, "do": ()}
    inner = ground.inside(found[0])
    return {
        "object": found[0],
        "field": found[1],
        "where": condition(inner, (*path, "where"), given.get("where")),
        "do": build_steps(inner, (*path, "do"), given["do"], f"{where}."),
    }


def _wait(ground: Ground, path: Path, given: Any, _: str) -> Any:
    if not ground.waits:
        ground.error("model-rule", "only an automation can wait, outside of for_each", path, key=True)
        return {}
    known = (*_SPANS, "calendar", "until", "at", "while")
    spans = {key: value for key, value in given.items() if key not in ("until", "at", "while")}
    if "until" in given:
        made: dict[str, Any] = {"until": _until(ground, (*path, "until"), given["until"])}
        if spans:
            ground.error("wrong-value", "say either 'until' or how long", path)
    else:
        made = _span(ground, path, spans, known)
    if "at" in given:
        made["at"] = time_of_day(ground, (*path, "at"), given["at"])
        if "hours" in given or "minutes" in given:
            ground.error("wrong-value", "a time of day goes with days", (*path, "at"))
    made["while"] = condition(ground, (*path, "while"), given.get("while"))
    return made


def _until(ground: Ground, path: Path, given: object) -> Any:
    found = expression(ground, path, given)
    if found is not None and found.type.kind not in (DATE.kind, DATETIME.kind, "blank"):
        ground.error("expression-type", f"a date or an instant is needed here, this gives {found.type}", path)
    return found


_VERBS: Mapping[str, Callable[[Ground, Path, Any, str], Any]] = {
    "set": _set,
    "create": _create,
    "update": _update,
    "delete": _nothing,
    "notify": _notify,
    "email": _email,
    "sms": _sms,
    "task": _task,
    "assign": _assign,
    "to_pool": _to_pool,
    "approval": _approval,
    "webhook": _webhook,
    "post": _post,
    "choose": _choose,
    "for_each": _for_each,
    "wait": _wait,
    "stop": _nothing,
}

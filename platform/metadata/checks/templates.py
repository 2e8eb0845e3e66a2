"""Steps that send by a template or send a form: the channel fits the verb, holes and links fit the step's object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from guanxi.expressions.faults import ExpressionErrors
from guanxi.expressions.template import check_template
from guanxi.registry import Step
from guanxi.registry.forms import WebForm
from guanxi.registry.messages import MessageTemplate
from guanxi.registry.steps import Branch

from ..link.context import Context

CHANNELS: Mapping[str, tuple[str, ...]] = {"email": ("email",), "sms": ("sms",), "notify": ("notification", "wecom")}


def templates_fit(context: Context, compiled: dict[str, dict[str, Any]]) -> None:
    """Note every step whose template cannot be filled from the step's record or is for another channel."""
    templates: Mapping[str, MessageTemplate] = compiled.get("template", {})
    judged: dict[tuple[str, str], str] = {}
    for step in _steps(compiled):
        name = step.given.get("template") if isinstance(step.given, Mapping) else None
        template = templates.get(name) if isinstance(name, str) else None
        if template is None:
            continue
        said = _channel(step.verb, template)
        if not said:
            key = (template.name, step.object)
            said = judged[key] if key in judged else judged.setdefault(key, _fault(context, template, step.object))
        if said:
            context.found.error("model-rule", said, step.place, path=f"{step.at}.template")


def forms_fit(context: Context, compiled: dict[str, dict[str, Any]]) -> None:
    """Note every step that sends a form's personal link about a record which that form has no links about."""
    forms: Mapping[str, WebForm] = compiled.get("form", {})
    for step in _steps(compiled):
        name = step.given.get("form") if step.verb == "email" and isinstance(step.given, Mapping) else None
        form = forms.get(name) if isinstance(name, str) else None
        if form is None or (form.link is not None and form.link.object == step.object):
            continue
        about = f"its links are about {form.link.object}" if form.link is not None else "it has no 'link'"
        said = f"the form '{form.name}' cannot be sent about a record of {step.object}: {about}"
        context.found.error("model-rule", said, step.place, path=f"{step.at}.form")


def _channel(verb: str, template: MessageTemplate) -> str:
    if template.channel in CHANNELS.get(verb, ()):
        return ""
    return f"the template '{template.name}' is for {template.channel}, not for the step {verb}"


def _fault(context: Context, template: MessageTemplate, object_name: str) -> str:
    """Why a template cannot be filled from a record of the object; "" when it can."""
    if template.object:
        fits = template.object == object_name
        return "" if fits else f"the template '{template.name}' is for {template.object}, not for {object_name}"
    for label in (template.subject, template.body, template.html):
        for _, text in label.texts:
            try:
                check_template(text, context, object_name)
            except ExpressionErrors as error:
                return f"the template '{template.name}' does not fit {object_name}: {error.faults[0].message}"
    return ""


def _steps(compiled: Mapping[str, Mapping[str, Any]]) -> Iterator[Step]:
    """Every step of objects, automations and service levels, those inside other steps included."""
    for kind in compiled.get("object", {}).values():
        for stage in kind.stages.path.values() if kind.stages is not None else ():
            yield from _deep(stage.on_enter)
        for action in kind.actions.values():
            yield from _deep(action.do)
    for rule in compiled.get("automation", {}).values():
        yield from _deep(rule.do)
    for sla in compiled.get("sla", {}).values():
        for target in sla.targets.values():
            for rung in target.rungs:
                yield from _deep(rung.do)


def _deep(steps: Iterable[Any]) -> Iterator[Step]:
    for step in steps:
        if not isinstance(step, Step):
            continue
        yield step
        if isinstance(step.given, Mapping):
            for value in step.given.values():
                if isinstance(value, Branch):
                    yield from _deep(value.do)
                elif isinstance(value, tuple):
                    yield from _deep(value)
        elif isinstance(step.given, tuple):
            for branch in step.given:
                yield from _deep(branch.do if isinstance(branch, Branch) else (branch,))

"""`kind: template` → MessageTemplate: every hole is checked, in every language, at its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from guanxi.common.labels import Label
from guanxi.expressions.faults import ExpressionErrors
from guanxi.expressions.template import Template, check_template, parse_template
from guanxi.registry.messages import MessageTemplate

from ..documents.template import TemplateDocument
from ..link.context import Context
from ..nodes import Document, Path
from .scope import label_of, text_in_all

FILES = ("file", "image")
PARTS = ("subject", "body", "html")


def compile_template(context: Context, document: Document, model: TemplateDocument) -> MessageTemplate:
    """See the module; what a channel does not have is refused."""
    known = model.object is None or context.has("object", model.object)
    if not known and model.object is not None:
        context.unknown("unknown-object", "object", model.object, context.names("object"), document, ("object",))
    _fitting(context, document, model)
    checked = {
        part: _texts(context, document, (part,), getattr(model, part), (model.object or "") if known else "")
        for part in PARTS
    }
    return MessageTemplate(
        name=document.name,
        label=label_of(context, document, ("label",), model.label, document.name),
        channel=model.channel,
        object=model.object or "",
        subject=model.subject,
        body=model.body,
        html=model.html,
        attachments=_files(context, document, model) if known else (),
        marketing=model.marketing,
        layer=document.layer,
        checked=MappingProxyType(checked),
    )


def _fitting(context: Context, document: Document, model: TemplateDocument) -> None:
    mail = model.channel == "email"
    if mail and not model.subject:
        context.error("missing-key", "'subject' is missing: an e-mail has one", document, ("channel",), key=True)
    if not model.body and not (mail and model.html):
        context.error("missing-key", "'body' is missing: what the message says", document, ("channel",), key=True)
    for name in ("subject", "html", "attachments"):
        if not mail and getattr(model, name):
            said = f"only an e-mail has '{name}', not a message by {model.channel}"
            context.error("model-rule", said, document, (name,), key=True)
    if model.marketing and model.channel == "notification":
        said = "a notice to people inside is no advertising"
        context.error("model-rule", said, document, ("marketing",), key=True)


def _texts(context: Context, document: Document, path: Path, label: Label, object_name: str) -> Mapping[str, Template]:
    text_in_all(context, document, path, label)
    found: dict[str, Template] = {}
    for language, text in label.texts:
        at: Path = (*path, language) if language else path
        try:
            if object_name:
                found[language] = check_template(text, context, object_name)
            else:
                parse_template(text)
        except ExpressionErrors as error:
            context.expression_faults(document, at, error)
    return MappingProxyType(found)


def _files(context: Context, document: Document, model: TemplateDocument) -> tuple[str, ...]:
    kept = []
    for index, name in enumerate(model.attachments):
        at: Path = ("attachments", index)
        if model.object is None:
            said = "attachments need an 'object': they are its file fields"
            context.error("model-rule", said, document, at)
            continue
        outline = context.outline_of(model.object)
        part = outline.fields.get(name) if outline is not None else None
        if part is None:
            known = context.field_names(model.object)
            context.unknown("unknown-field", f"field of {model.object}", name, known, document, at)
        elif part.part.type not in FILES:
            context.error("model-rule", f"'{name}' holds no file", document, at)
        else:
            kept.append(name)
    return tuple(kept)

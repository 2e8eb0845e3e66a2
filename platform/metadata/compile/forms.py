"""`kind: form` → WebForm: every field exists and may be asked of a stranger, and what the object needs is covered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guanxi.common.labels import Label
from guanxi.expressions.expression import Expression
from guanxi.registry.forms import FormConsent, FormField, FormLimits, FormLink, WebForm

from ..documents.base import is_language
from ..documents.fields import COMPUTED_TYPES
from ..documents.form import Asked, FormDocument
from ..link.context import Context
from ..link.outline import FieldOutline, Outline
from ..nodes import Document, Path
from .scope import frozen, label_of, text_in_all

FILES = ("file", "image")
ADDRESS_TYPES: Mapping[str, str] = {"email": "email", "sms": "phone"}
# A stranger cannot look records or people up, and raw data is nothing to ask for.
NEVER = frozenset({"reference", "references", "user", "team", "json"})


def compile_form(context: Context, document: Document, model: FormDocument) -> WebForm | None:
    """See the module; None when its object does not exist."""
    outline = context.outline_of(model.object) if context.has("object", model.object) else None
    if outline is None:
        context.unknown("unknown-object", "object", model.object, context.names("object"), document, ("object",))
        return None
    if model.as_ is not None and not context.has("role", model.as_):
        context.unknown("unknown-reference", "role", model.as_, context.names("role"), document, ("as",))
    made = _Compiler(context, document, model, outline)
    fields = made.fields()
    values = made.values(fields)
    link = made.link(fields, values)
    made.covered(fields, link)
    for key in ("description", "button"):
        text_in_all(context, document, (key,), getattr(model, key))
    text_in_all(context, document, ("thanks", "text"), model.thanks.text)
    return WebForm(
        name=document.name,
        label=label_of(context, document, ("label",), model.label, document.name),
        object=model.object,
        fields=frozen(fields),
        values=frozen(values),
        description=model.description,
        button=model.button,
        thanks=model.thanks.text,
        redirect=model.thanks.redirect or "",
        consent=made.consent(fields),
        link=link,
        ask_once=model.ask_once,
        one_at_a_time=model.one_at_a_time,
        role=model.as_ or "",
        languages=made.languages(),
        limits=FormLimits(**model.limits.model_dump()),
        active=model.active,
        layer=document.layer,
    )


class _Compiler:
    """The parts of one form."""

    def __init__(self, context: Context, document: Document, model: FormDocument, outline: Outline) -> None:
        self.context = context
        self.document = document
        self.model = model
        self.outline = outline

    def error(self, code: str, said: str, path: Path, *, hint: str = "", key: bool = False) -> None:
        """Note an error at a path."""
        self.context.error(code, said, self.document, path, hint=hint, key=key)

    # fields -----------------------------------------------------------------------------------------
    def fields(self) -> dict[str, FormField]:
        """The questions whose fields may be asked."""
        made: dict[str, FormField] = {}
        for asked in self.model.fields:
            path: Path = ("fields", *asked.path)
            if not self._askable(asked.name, path, key=_is_key(asked)):
                continue
            part = asked.part
            texts: dict[str, Label] = {"label": part.label, "help": part.help, "placeholder": part.placeholder}
            for key, label in texts.items():
                text_in_all(self.context, self.document, (*path, key), label)
            if part.required and part.hidden:
                self.error("model-rule", "a hidden field is nothing that a visitor must fill in", (*path, "required"))
            made[asked.name] = FormField(asked.name, **texts, required=part.required, hidden=part.hidden)
        return made

    def _writable(self, name: str, path: Path, *, key: bool) -> FieldOutline | None:
        """The field when the platform lets it be written; notes why not."""
        one = self.outline.fields.get(name)
        owner = self.outline.name
        if one is None:
            if name in self.outline.infos:
                self.error("model-rule", f"'{name}' is kept by the platform and cannot be set", path, key=key)
            else:
                known = [n for n in self.outline.fields if n not in self.outline.computed]
                self.context.unknown("unknown-field", f"field of {owner}", name, known, self.document, path, key=key)
            return None
        kind = one.part.type
        if kind in COMPUTED_TYPES or not one.type.writable:
            self.error("model-rule", f"a field of type {kind} cannot be set", path, key=key)
            return None
        if one.part.read_only is True:
            self.error("model-rule", f"'{name}' is read only", path, key=key)
            return None
        return one

    def _askable(self, name: str, path: Path, *, key: bool) -> bool:
        one = self._writable(name, path, key=key)
        if one is None:
            return False
        kind = one.part.type
        if kind in NEVER:
            said = f"a field of type {kind} cannot be asked of a visitor"
            self.error("model-rule", said, path, hint="give it a value under 'values', or by 'link'", key=key)
            return False
        if kind in FILES and not self.model.files:
            said = f"'{name}' is a file; a form takes files only with 'files: true'"
            self.error("model-rule", said, path, key=key)
            return False
        return True

    def values(self, fields: Mapping[str, FormField]) -> dict[str, Expression]:
        """What the form itself sets."""
        made: dict[str, Expression] = {}
        for name, given in self.model.values.items():
            path: Path = ("values", name)
            if name in fields:
                self.error("clash", f"'{name}' is asked for already", path, key=True)
                continue
            owner = name in ("owner", "team") and name in self.outline.infos and name not in self.outline.fields
            if not owner and self._writable(name, path, key=True) is None:
                continue
            info = self.context.field(self.outline.name, name)
            if info is not None:
                found = self.context.value(self.document, path, given, self.outline.name, info.type, people=False)
                if found is not None:
                    made[name] = found
        return made

    def covered(self, fields: Mapping[str, FormField], link: FormLink | None) -> None:
        """Note fields that every record needs and nobody fills in."""
        if link is not None and not link.field and link.needed:
            return  # the record is there already
        stages = self.outline.model.stages
        filled = {*fields, *self.model.values, link.field if link is not None else "", stages.field if stages else ""}
        missing = [
            name
            for name, one in self.outline.fields.items()
            if one.part.required is True
            and name not in filled
            and one.part.default is None
            and one.part.since_stage is None
            and one.part.when is True
            and one.type.writable
        ]
        if missing:
            said = f"records of {self.outline.name} need {', '.join(missing)}, which the form neither asks nor sets"
            self.error("model-rule", said, ("fields",), key=True)

    # the rest ---------------------------------------------------------------------------------------
    def link(self, fields: Mapping[str, FormField], values: Mapping[str, Any]) -> FormLink | None:
        """Whose records personal links are about."""
        given = self.model.link
        if given is None:
            for key in ("ask_once", "one_at_a_time"):
                if getattr(self.model, key):
                    self.error("model-rule", f"'{key}' needs a 'link', which says who is asked", (key,), key=True)
            return None
        if self.model.one_at_a_time and not self.model.ask_once:
            self.error("model-rule", "'one_at_a_time' needs 'ask_once'", ("one_at_a_time",), key=True)
        target = self.outline.name
        if given.field is not None:
            path: Path = ("link", "field")
            one = self._writable(given.field, path, key=False)
            if one is None:
                return None
            if one.part.type not in ("reference", "user"):
                self.error("model-rule", f"'{given.field}' is no reference", path)
                return None
            if given.field in fields or given.field in values:
                self.error("clash", f"'{given.field}' is set otherwise already", path)
            target = one.target
        return FormLink(target, given.field or "", given.needed, given.once, given.days)

    def consent(self, fields: Mapping[str, FormField]) -> FormConsent | None:
        """What is agreed to, and the fields with the addresses it is for."""
        given = self.model.consent
        if given is None:
            return None
        text_in_all(self.context, self.document, ("consent", "text"), given.text)
        channels: dict[str, str] = {}
        for channel in given.channels:
            wanted = ADDRESS_TYPES[channel]
            found = next((name for name in fields if self.outline.fields[name].part.type == wanted), None)
            if found is None:
                said = f"a consent for {channel} needs a field of type {wanted} on the form"
                self.error("model-rule", said, ("consent", "channels"))
            else:
                channels[channel] = found
        return FormConsent(given.text, given.version, frozen(channels), given.required)

    def languages(self) -> tuple[str, ...]:
        """The form's languages, the first where nothing else fits."""
        for index, one in enumerate(self.model.languages):
            if not is_language(one):
                said = f"'{one[:20]}' is not a language code such as en or zh"
                self.error("wrong-value", said, ("languages", index))
        return tuple(self.model.languages) or tuple(self.context.languages) or ("en",)


def _is_key(asked: Asked) -> bool:
    """True when the name stands as the key of a map."""
    return isinstance(asked.path[-1], str)

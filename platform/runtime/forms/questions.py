"""What a form asks, as data: the same for the page, the script that draws it elsewhere, and other programs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from guanxi.registry.forms import FormField, WebForm
from guanxi.registry.objects import Field, ObjectType

from ..files.store import FILE_TYPES

TEXTS: dict[str, tuple[str, str]] = {
    "send": ("Send", "提交"),
    "thanks": ("Thank you. We have received it.", "谢谢，我们已收到您的信息。"),
    "no_file": ("A file is not asked for here.", "此处不需要文件。"),
    "required": ("required", "必填"),
    "choose": ("Choose", "请选择"),
    "wrong": ("Please look at the marked answers.", "请检查标出的内容。"),
    "failed": ("It could not be sent. Please try again.", "未能提交，请重试。"),
    "bait": ("Leave this field empty", "请勿填写此项"),
    "go_on": ("Go on", "继续"),
    "sorry": ("Sorry", "抱歉"),
    "expired": ("The page was open for too long. Please send it once more.", "页面停留时间过长，请再提交一次。"),
    "not_found": ("This page does not exist.", "页面不存在。"),
    "link_over": ("This link was used already or has ended.", "该链接已使用或已过期。"),
    "rate_limit": ("Too much was sent from here. Please try again later.", "提交过于频繁，请稍后再试。"),
    "too_large": ("What you sent is too large.", "提交的内容过大。"),
}
_ON_PAGES = ("required", "choose", "wrong", "failed", "bait", "go_on")
_KINDS = {
    "email": "email", "phone": "tel", "url": "url", "long_text": "textarea", "integer": "number", "decimal": "number",
    "money": "number", "percent": "number", "boolean": "checkbox", "date": "date", "datetime": "datetime-local",
    "time": "time", "choice": "select", "choices": "checkboxes", "color": "color", "rating": "scale", "file": "file",
    "image": "file",
}  # fmt: skip
FEW = 6
LONGEST_SCALE = 11
AUTOCOMPLETE = {"email": "email", "phone": "tel", "person_name": "name", "company_name": "organization", "url": "url"}


def said(key: str, language: str) -> str:
    """A sentence of the platform; "" for an unknown key."""
    return TEXTS.get(key, ("", ""))[language[:2] == "zh"]


def page_texts(language: str) -> dict[str, str]:
    """The sentences that pages and scripts show."""
    return {key: said(key, language) for key in _ON_PAGES}


def describe(form: WebForm, kind: ObjectType, language: str, asked: Collection[str] | None = None) -> dict[str, Any]:
    """The form in one language; `asked` narrows its fields to those not known yet."""
    fields = [_field(one, kind.fields[one.name], language) for one in form.fields.values()]
    consent = form.consent
    return {
        "form": form.name,
        "language": language,
        "languages": list(form.languages),
        "label": form.label.text(language),
        "description": form.description.text(language),
        "fields": [one for one in fields if asked is None or one["name"] in asked],
        "consent": {"text": consent.text.text(language), "version": consent.version, "required": consent.required}
        if consent is not None
        else None,
        "button": form.button.text(language) or said("send", language),
        "files": any(kind.fields[name].type in FILE_TYPES for name in form.fields),
    }


def _field(one: FormField, field: Field, language: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": one.name,
        "label": one.label.text(language) or field.label.text(language) or one.name,
        "help": one.help.text(language) or field.help.text(language),
        "placeholder": one.placeholder.text(language) or field.placeholder.text(language),
        "kind": _kind(field),
        "type": field.type,
        "required": one.required or field.required is True,
        "hidden": one.hidden,
    }
    if field.options:
        made["options"] = [
            {"value": option.name, "label": option.label.text(language) or option.name}
            for option in field.options.values()
        ]
    if made["kind"] == "scale":
        low, high = _bounds(field)
        made["options"] = [{"value": str(n), "label": str(n)} for n in range(low, high + 1)]
    length = getattr(field.settings, "length", None)
    if isinstance(length, int):
        made["length"] = length
    if field.type in AUTOCOMPLETE:
        made["autocomplete"] = AUTOCOMPLETE[field.type]
    return made


def _kind(field: Field) -> str:
    found = _KINDS.get(field.type, "text")
    if field.type == "integer":
        low, high = _bounds(field)
        return "scale" if 0 < high - low < LONGEST_SCALE else found
    if field.type == "choice" and len(field.options) <= FEW:
        return "radios"
    return found


def _bounds(field: Field) -> tuple[int, int]:
    """The least and the greatest of a small scale; (0, 0) where there is none."""
    if field.type == "rating":
        return 1, int(getattr(field.settings, "max", 5))
    low, high = getattr(field.settings, "min", None), getattr(field.settings, "max", None)
    return (int(low), int(high)) if low is not None and high is not None else (0, 0)

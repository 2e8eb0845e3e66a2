"""Telephone numbers, stored in E.164 (`+8613800138000`), an extension after `;ext=` as in RFC 3966.

The plan of the field's own region is judged strictly (a number that cannot exist is refused); of other countries only
the length, because a plan far away is known too badly to refuse a customer's number. Mobile numbers, the bulk of all,
take a short way through the same plan's own pattern. The library is loaded with the first field of this type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from .base import Coercer, FieldContext, FieldOptions
from .cleaning import cell_text, clean_line, type_fault, typed_text
from .texts import PlainType

_LAWFUL = re.compile(r"\+?[0-9 ().\-/ ]{2,32}(?:(?:;ext=|ext\.? ?|x ?|# ?)[0-9]{1,7})?\Z", re.IGNORECASE)
_EXTENSION = re.compile(r" *(?:转|分机号?|extension|ext\.?) *[:.]? *(?=[0-9])", re.IGNORECASE)
_PREFIX = re.compile(r"(?:tel|mobile|phone|电话|手机|座机)\s*[::]?\s*", re.IGNORECASE)
_DASHES = re.compile("[‐‑‒–—−·]")


def _known_region(region: str) -> str:
    import phonenumbers

    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{region!r} is not a region with a telephone plan (two capital letters, such as CN)")
    return region


class PhoneOptions(FieldOptions):
    """Keys of phone."""

    region: Annotated[str, AfterValidator(_known_region)] = Field(
        default="CN",
        max_length=2,
        description="Country whose plan a number without + belongs to (two letters).",
    )


@lru_cache(maxsize=8192)
def e164(text: str, region: str) -> str:
    """The stored form of a number as written; "" when it is none."""
    if not _LAWFUL.match(text):
        return ""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        foreign = number.country_code != phonenumbers.country_code_for_region(region)
        if not (foreign and text.startswith("+") and phonenumbers.is_possible_number(number)):
            return ""
    plain = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{plain};ext={number.extension}" if number.extension else plain


def _mobile(region: str) -> tuple[str, re.Pattern[str]] | None:
    from phonenumbers import PhoneMetadata

    plan = PhoneMetadata.metadata_for_region(region)
    pattern = plan.mobile.national_number_pattern if plan and plan.mobile else None
    if not plan or not pattern or (plan.national_prefix_for_parsing and region != "CN"):
        return None
    return f"+{plan.country_code}", re.compile(pattern)


class Phone(PlainType):
    """Telephone number."""

    name = "phone"
    summary = "A telephone number, checked against its country's plan and kept in E.164."
    widget = "phone"
    Options = PhoneOptions
    groupable = False
    mask_style = "middle"
    example: ClassVar[Any] = "+8613800138000"
    typed = ("138 0013 8000", "86-13800138000", "(010) 8888 6666 转 8001", "+1 415-555-2671")

    def coercer(self, options: PhoneOptions, context: FieldContext) -> Coercer:
        """Read the number as one dials it in the region, or with + and the country's code."""
        region = options.region
        short = _mobile(region)
        code, mobile = short if short else ("", re.compile(r"(?!)"))
        skip = len(code)

        def coerce(value: object) -> str | None:
            if isinstance(value, str) and value.isascii() and mobile.fullmatch(value):
                return code + value
            text = clean_line(value, 60)
            if text is None:
                return None
            if code and text.startswith(code) and text.isascii() and mobile.fullmatch(text, skip):
                return text
            found = e164(text, region)
            if not found:
                raise type_fault("This is not a telephone number.", "这不是有效的电话号码。")
            return found

        return coerce

    def from_text(self, options: PhoneOptions, context: FieldContext) -> Coercer:
        """Full-width digits, a word in front (电话:), 转 and spreadsheet numbers are understood."""
        coerce = self.coercer(options, context)

        def read(value: object) -> Any:
            text = typed_text(cell_text(value), 100)
            if text is None:
                return None
            text = _EXTENSION.sub(" ext ", _DASHES.sub("-", _PREFIX.sub("", text, count=1)))
            return coerce(text)

        return read

    def search_text(self, value: Any) -> str:
        """The number with and without the country's +86."""
        return f"{value} {value.removeprefix('+86')}"

    def json_schema(self, options: PhoneOptions, context: FieldContext) -> Mapping[str, Any]:
        """E.164, perhaps with an extension."""
        return {"type": "string", "pattern": r"^\+[1-9][0-9]{3,16}(;ext=[0-9]{1,7})?$"}

    def input_schema(self, options: PhoneOptions, context: FieldContext) -> Mapping[str, Any]:
        """A number as people write it."""
        return {"type": "string", "maxLength": 60, "examples": [self.example]}

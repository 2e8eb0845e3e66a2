"""What Chinese and international businesses type: company_name, person_name, id_card_cn, uscc, region_cn, wechat_id.

Check digits are judged by python-stdnum's sums. Nothing here asks an authority: a number can be well formed and still
belong to nobody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from pydantic import Field
from stdnum.cn import ric
from stdnum.cn import uscc as uscc_number

from .base import Coercer, FieldContext, FieldOptions
from .cleaning import PRINTABLE, cell_text, clean_line, too_long, type_fault, typed_text
from .regions import known_region, region_path
from .texts import PlainType

_SPACES = re.compile(r"\s{2,}")


class CompanyNameOptions(FieldOptions):
    """Keys of company_name."""

    length: int = Field(default=200, ge=1, le=500, description="Most characters.")


class PersonNameOptions(FieldOptions):
    """Keys of person_name."""

    length: int = Field(default=100, ge=1, le=200, description="Most characters.")


def _folded(value: object, limit: int) -> str | None:
    """One line after NFKC with single spaces."""
    text = clean_line(value, 4 * limit)
    if text is None:
        return None
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).strip()
    if "  " in text:
        text = _SPACES.sub(" ", text)
    if len(text) > limit:
        raise too_long(limit)
    return text or None


class CompanyName(PlainType):
    """Name of a company."""

    name = "company_name"
    summary = "A company's name after NFKC; duplicate rules compare it without its legal form (有限公司, Co., Ltd.)."
    Options = CompanyNameOptions
    example: ClassVar[Any] = "杭州蓝信贸易有限公司"
    typed = ("杭州蓝信贸易有限公司", "Ｌａｎ Ｘｉｎ  Trading Co., Ltd.")

    def coercer(self, options: CompanyNameOptions, context: FieldContext) -> Coercer:
        """Fold, then ask for at least one letter or digit."""
        limit = options.length

        def coerce(value: object) -> str | None:
            text = _folded(value, limit)
            if text is not None and not any(map(str.isalnum, text)):
                raise type_fault("A company's name has letters or digits.", "企业名称应包含文字或数字。")
            return text

        return coerce

    def json_schema(self, options: CompanyNameOptions, context: FieldContext) -> Mapping[str, Any]:
        """A string with its length."""
        return {"type": "string", "maxLength": options.length, "pattern": PRINTABLE}


_HAN = r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_HAN_GAP = re.compile(rf"(?<={_HAN}) +(?={_HAN})")
_DOT = re.compile(r" *[·•‧・･∙⋅] *")
_NOT_IN_NAME = re.compile(r"[<>{}\[\]@#$%^*=|\\~;!?_]")


class PersonName(PlainType):
    """Name of a person."""

    name = "person_name"
    summary = "A person's name after NFKC; spaces between Chinese characters go, the middle dot is always ·."
    mask_style = "keep_first_1"
    Options = PersonNameOptions
    example: ClassVar[Any] = "李伟"
    typed = ("李 伟", "阿依古丽•买买提", "Mary  O'Brien")

    def coercer(self, options: PersonNameOptions, context: FieldContext) -> Coercer:
        """Fold, then ask for a letter and no signs that no name has."""
        limit = options.length

        def coerce(value: object) -> str | None:
            text = _folded(value, limit)
            if text is None or text.isalpha():
                return text
            if not text.isascii():
                text = _DOT.sub("·", _HAN_GAP.sub("", text))
            if _NOT_IN_NAME.search(text) or not any(map(str.isalpha, text)):
                raise type_fault("This is not a person's name.", "这不是有效的姓名。")
            return text

        return coerce

    def json_schema(self, options: PersonNameOptions, context: FieldContext) -> Mapping[str, Any]:
        """A string with its length."""
        return {"type": "string", "maxLength": options.length, "pattern": PRINTABLE}


class CodeType(PlainType):
    """Base of fixed codes: spaces and hyphens inside go, letters become capitals, then `judge` has its say."""

    groupable = False
    form: ClassVar[str] = ""

    def judge(self, code: str) -> str:
        """The stored form. Raises ValueFault."""
        raise NotImplementedError(self.name)

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """The code as it stands in documents."""
        judge = self.judge

        def coerce(value: object) -> str | None:
            text = clean_line(value, 64)
            return None if text is None else judge(text.replace(" ", "").replace("-", "").upper())

        return coerce

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """Full-width letters and digits are understood."""
        coerce = self.coercer(options, context)

        def read(value: object) -> Any:
            return coerce(typed_text(cell_text(value)))

        return read

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A string of the code's form."""
        return {"type": "string", "pattern": self.form}

    def input_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A string as people write the code; check digits cannot be said in JSON Schema."""
        return {"type": "string", "maxLength": 64, "examples": [self.example]}


_ID_CARD = re.compile(r"[1-9][0-9]{16}[0-9X]\Z")
_OLD_CARD = re.compile(r"[1-9][0-9]{14}\Z")
# First two digits: provinces of GB/T 2260, residents from Hong Kong, Macao and Taiwan, foreign permanent residents.
_PLACES = frozenset(
    str(n)
    for block in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83), (91, 91))
    for n in range(block[0], block[1] + 1)
)


class IdCard(CodeType):
    """Resident identity card."""

    name = "id_card_cn"
    summary = "A Chinese resident identity number of 18 characters: place, day of birth and check digit are judged."
    mask_style = "keep_last_4"
    form = "^[1-9][0-9]{16}[0-9X]$"
    example: ClassVar[Any] = "11010519491231002X"
    typed = ("11010519491231002x", "110105 19491231 002X")

    def judge(self, code: str) -> str:
        """18 characters with a sound check digit."""
        if (
            _ID_CARD.match(code)
            and code[:2] in _PLACES
            and ric.calc_check_digit(code) == code[-1]
            and _birth(code[6:14])
        ):
            return code
        raise type_fault("This is not a valid identity number.", "身份证号码无效。")

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """An old number of 15 digits is completed: the century 19 and the check digit follow from it."""
        coerce = super().from_text(options, context)

        def read(value: object) -> Any:
            text = typed_text(cell_text(value), 64)
            if text and _OLD_CARD.match(text):
                body = f"{text[:6]}19{text[6:]}"
                text = body + ric.calc_check_digit(f"{body}0")
            return coerce(text)

        return read


def _birth(digits: str) -> bool:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year >= 1850
    except ValueError:
        return False


_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}\Z")


class Uscc(CodeType):
    """Unified social credit code."""

    name = "uscc"
    summary = "A unified social credit code (统一社会信用代码) of 18 characters with its check character."
    form = "^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$"
    example: ClassVar[Any] = "91110000600037341L"
    typed = ("91110000600037341l", "9111 0000 6000 3734 1L")

    def judge(self, code: str) -> str:
        """18 characters with a sound check character."""
        if _USCC.match(code) and uscc_number.calc_check_digit(code) == code[-1]:
            return code
        raise type_fault("This is not a valid unified social credit code.", "统一社会信用代码无效。")


class RegionCn(CodeType):
    """Administrative division."""

    name = "region_cn"
    summary = "An administrative division of China by its six digits (GB/T 2260), in force now or once."
    widget = "region"
    groupable = True
    can_unique = False
    searchable = True
    form = "^[1-9][0-9]{5}$"
    example: ClassVar[Any] = "330106"
    typed = ("330106", "３３０１０６")

    def judge(self, code: str) -> str:
        """A code of the table."""
        if known_region(code):
            return code
        raise type_fault("This is not a region code of GB/T 2260.", "行政区划代码无效。")

    def search_text(self, value: Any) -> str:
        """The code and the names from the province down."""
        return " ".join((value, *region_path(value)))


_WECHAT = re.compile(r"[A-Za-z][A-Za-z0-9_-]{5,19}\Z")
_WECHAT_WORD = re.compile(r"(?:微信号?|wechat(?: ?id)?|wx)\s*:\s*", re.IGNORECASE)


class WechatId(PlainType):
    """WeChat name."""

    name = "wechat_id"
    summary = "A WeChat ID: 6 to 20 letters, digits, _ and -, starting with a letter."
    groupable = False
    mask_style = "middle"
    example: ClassVar[Any] = "lan_xin-2026"
    typed = ("微信号:lan_xin-2026",)

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """Judge the form."""

        def coerce(value: object) -> str | None:
            text = clean_line(value, 100)
            if text is not None and not _WECHAT.match(text):
                raise type_fault("This is not a WeChat ID.", "这不是有效的微信号。")
            return text

        return coerce

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """Full-width letters and a word in front (微信:) are understood."""
        coerce = self.coercer(options, context)

        def read(value: object) -> Any:
            text = typed_text(value)
            return None if text is None else coerce(_WECHAT_WORD.sub("", text, count=1))

        return read

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """A string of the form."""
        return {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{5,19}$"}

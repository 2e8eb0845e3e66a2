"""Field types: one class each, one catalogue.

`CATALOGUE` maps a type's YAML name to its instance; `text long_text …` in reading order of the reference.
"""

from .auto_number import AutoNumberFormat
from .base import Column, ColumnKind, FieldContext, FieldOptions, FieldType, ValueFault
from .chinese import CompanyName, IdCard, PersonName, RegionCn, Uscc, WechatId
from .choices import Choice, Choices, Tags
from .companies import company_core
from .computed import AutoNumber, Formula, Rollup
from .durations import Duration
from .files import File, Image
from .flags import Boolean
from .masks import MASK_STYLES
from .moments import Date, DateTime, Time
from .numbers import DecimalNumber, Integer, Money, Percent, Rating
from .phones import Phone
from .places import Address, Location
from .reference import reference_markdown
from .references import Reference, References, Team, User
from .regions import region_path
from .structured import Json
from .texts import Color, Email, LongText, RichText, Text, Url

_TYPES: tuple[FieldType, ...] = (
    Text(),
    LongText(),
    RichText(),
    Email(),
    Phone(),
    Url(),
    Integer(),
    DecimalNumber(),
    Money(),
    Percent(),
    Boolean(),
    Date(),
    DateTime(),
    Time(),
    Duration(),
    Choice(),
    Choices(),
    Tags(),
    Reference(),
    References(),
    User(),
    Team(),
    File(),
    Image(),
    Address(),
    Location(),
    Rating(),
    Color(),
    Json(),
    AutoNumber(),
    Formula(),
    Rollup(),
    CompanyName(),
    PersonName(),
    IdCard(),
    Uscc(),
    RegionCn(),
    WechatId(),
)

CATALOGUE: dict[str, FieldType] = {type_.name: type_ for type_ in _TYPES}

__all__ = [
    "CATALOGUE",
    "MASK_STYLES",
    "AutoNumberFormat",
    "Column",
    "ColumnKind",
    "FieldContext",
    "FieldOptions",
    "FieldType",
    "ValueFault",
    "company_core",
    "reference_markdown",
    "region_path",
]

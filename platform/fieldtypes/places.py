"""Address and location: structured values kept as JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from babel import Locale

from guanxi.expressions.types import JSON, ValueType

from .base import Coercer, Column, FieldContext, FieldType
from .cleaning import clean_line, range_fault, type_fault, typed_text
from .regions import known_region

_PARTS = {
    "country": 2,
    "province": 100,
    "city": 100,
    "district": 100,
    "street": 300,
    "postal_code": 16,
    "region_code": 6,
}
_POSTAL = re.compile(r"[0-9A-Za-z][0-9A-Za-z -]{1,14}[0-9A-Za-z]\Z")


class StructuredType(FieldType):
    """Base of the types whose value is a JSON object."""

    sortable = False
    filterable = False
    groupable = False
    can_unique = False

    def column(self, options: Any) -> Column:
        """JSON."""
        return Column("json")

    def value_type(self, options: Any, context: FieldContext) -> ValueType:
        """JSON: only blank and filled apply."""
        return JSON


def is_country(code: str) -> bool:
    """True for a two-letter country code in capitals."""
    return len(code) == 2 and code.isalpha() and code in Locale("en").territories


class Address(StructuredType):
    """Postal address."""

    name = "address"
    summary = "A postal address in parts: country, province, city, district, street, postal_code, region_code."
    widget = "address"
    searchable = True
    example: ClassVar[Any] = {
        "country": "CN",
        "province": "浙江省",
        "city": "杭州市",
        "district": "西湖区",
        "street": "文三路 90 号",
        "postal_code": "310012",
        "region_code": "330106",
    }
    typed = ("浙江省杭州市西湖区文三路 90 号",)

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """An object of known parts; blank parts are left out."""
        return _address

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """A JSON object as in an export; any other text is the street, never guessed apart."""

        def read(value: object) -> Any:
            text = clean_line(value, 1000) if isinstance(value, str) else None
            if text is None:
                return _address(value)
            if text.startswith("{"):
                try:
                    return _address(json.loads(text))
                except (ValueError, RecursionError):
                    raise type_fault("This is not an address.", "这不是有效的地址。") from None
            return _address({"street": text})

        return read

    def search_text(self, value: Any) -> str:
        """The parts from the largest to the smallest."""
        return " ".join(value[part] for part in _PARTS if part in value)

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """An object of strings."""
        parts: dict[str, Any] = {part: {"type": "string", "maxLength": most} for part, most in _PARTS.items()}
        parts["country"]["pattern"] = "^[A-Z]{2}$"
        parts["region_code"]["pattern"] = "^[0-9]{6}$"
        return {"type": "object", "properties": parts, "additionalProperties": False}


def _address(value: object) -> dict[str, str] | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, dict):
        raise type_fault("This must be an address in parts.", "必须是分项的地址。")
    unknown = [key for key in value if key not in _PARTS]
    if unknown:
        raise type_fault(
            f"An address has the parts {', '.join(_PARTS)} only.", f"地址只有这些部分:{'、'.join(_PARTS)}。"
        )
    parts = {part: text for part, most in _PARTS.items() if (text := clean_line(value.get(part), most)) is not None}
    if "country" in parts and not is_country(parts["country"]):
        raise type_fault("The country must be a two-letter code such as CN.", "国家应为两位代码,如 CN。")
    if "postal_code" in parts and not _POSTAL.match(parts["postal_code"]):
        raise type_fault("The postal code is not valid.", "邮政编码无效。")
    if "region_code" in parts and not known_region(parts["region_code"]):
        raise type_fault("The region code is not in GB/T 2260.", "行政区划代码无效。")
    return parts or None


_PAIR = re.compile(r"([+-]?[0-9]{1,3}(?:\.[0-9]{1,20})?)\s*[,\s]\s*([+-]?[0-9]{1,3}(?:\.[0-9]{1,20})?)\Z")


def _degrees(value: object, limit: int, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < math.inf:
        raise type_fault(f"{name} must be a number of degrees.", f"{name} 必须是度数。")
    if not -limit <= value <= limit:
        raise range_fault(f"{name} must be from -{limit} to {limit}.", f"{name} 应在 -{limit} 到 {limit} 之间。")
    return float(value) + 0.0


def _location(value: object) -> dict[str, float] | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, dict) or set(value) != {"lat", "lon"}:
        raise type_fault('A location is {"lat": …, "lon": …}.', '位置应为 {"lat": …, "lon": …}。')
    return {"lat": _degrees(value["lat"], 90, "lat"), "lon": _degrees(value["lon"], 180, "lon")}


class Location(StructuredType):
    """Point on the map."""

    name = "location"
    summary = "A point on the map in degrees (WGS 84): lat from -90 to 90, lon from -180 to 180."
    widget = "location"
    example: ClassVar[Any] = {"lat": 30.2741, "lon": 120.1551}
    typed = ("30.2741, 120.1551",)

    def coercer(self, options: Any, context: FieldContext) -> Coercer:
        """An object of lat and lon."""
        return _location

    def from_text(self, options: Any, context: FieldContext) -> Coercer:
        """Latitude first, then longitude."""

        def read(value: object) -> Any:
            if not isinstance(value, str):
                return _location(value)
            text = typed_text(value, 200)
            if text is None:
                return None
            found = _PAIR.match(text)
            if found is None:
                raise type_fault(
                    "Write latitude, longitude such as 30.27, 120.15.", "应写成“纬度, 经度”,如 30.27, 120.15。"
                )
            return _location({"lat": float(found[1]), "lon": float(found[2])})

        return read

    def json_schema(self, options: Any, context: FieldContext) -> Mapping[str, Any]:
        """An object of two numbers."""
        degrees = {"lat": 90, "lon": 180}
        return {
            "type": "object",
            "properties": {k: {"type": "number", "minimum": -v, "maximum": v} for k, v in degrees.items()},
            "required": ["lat", "lon"],
            "additionalProperties": False,
        }

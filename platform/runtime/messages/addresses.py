"""Addresses of the outside: one key per address, so that consent, caps and bounces find it however it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.headerregistry import Address
from email.utils import getaddresses, parseaddr

from guanxi.fieldtypes import CATALOGUE
from guanxi.fieldtypes.base import FieldContext, ValueFault

_EMAIL = re.compile(
    r"[^\s@<>(),;:\\\"\[\]\x00-\x1f\x7f]{1,64}@[A-Za-z0-9\u00a1-\uffff](?:[A-Za-z0-9.\u00a1-\uffff-]{0,252})"
)
_WECOM = re.compile(r"[A-Za-z0-9_@.-]{1,64}")
LONGEST_NAME = 120


def email_of(text: str) -> str:
    """The bare address of `Name <a@b>` or `a@b`; "" when it is none."""
    found = parseaddr(text.strip())[1] if "<" in text else text.strip()
    return found if _EMAIL.fullmatch(found) and ".." not in found else ""


def key_of(channel: str, address: str) -> str:
    """What an address is known by; "" when it cannot be one of the channel."""
    if channel == "email":
        return email_of(address).casefold()
    if channel == "sms":
        return _phone(address)
    return address.strip() if _WECOM.fullmatch(address.strip()) else ""


def _phone(text: str) -> str:
    kind = CATALOGUE["phone"]
    try:
        found = kind.coercer(kind.Options(), FieldContext("phone"))(text)
    except ValueFault:
        return ""
    return found if isinstance(found, str) else ""


def header_address(name: str, address: str) -> Address | None:
    """An address for a header; control characters in the name become spaces. None when it cannot be written."""
    bare = email_of(address)
    if not bare:
        return None
    local, _, domain = bare.rpartition("@")
    clean = one_line(name)[:LONGEST_NAME]
    try:
        return Address(display_name=clean, username=local, domain=domain)
    except (ValueError, IndexError):
        return None


def one_line(text: str) -> str:
    """A text without line breaks and other control characters, for subjects and names."""
    return " ".join("".join(" " if ord(c) < 32 or ord(c) in (127, 0x85, 0x2028, 0x2029) else c for c in text).split())


def plus(address: str, token: str) -> str:
    """`crm@example.com` with a token: `crm+token@example.com`."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{token}@{domain}" if local and token else address


def tokens_in(addresses: Iterable[str]) -> list[str]:
    """The plus parts of addresses."""
    found = []
    for _, one in getaddresses([a for a in addresses if a][:100]):
        local = one.rpartition("@")[0]
        if "+" in local:
            found.append(local.rpartition("+")[2])
    return found

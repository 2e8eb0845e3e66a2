"""Texts in several languages: a frozen map from language to text with one fallback rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ANY = ""


@dataclass(frozen=True, slots=True)
class Label:
    """Texts by language code ("en", "zh"); a plain string is kept under "" and serves every language."""

    texts: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, value: str | Mapping[str, str] | Label | None, default: str = "") -> Label:
        """From what YAML gives: a string, a map by language, or nothing."""
        if isinstance(value, Label):
            return value
        if value is None:
            return cls(((ANY, default),)) if default else cls()
        if isinstance(value, str):
            return cls(((ANY, value),))
        return cls(tuple(value.items()))

    def text(self, language: str = "en") -> str:
        """The text for `language` ("zh_CN" finds "zh"), else for any, else English, else the first."""
        if not self.texts:
            return ""
        texts = dict(self.texts)
        for wanted in (language, language.replace("-", "_").split("_")[0], ANY, "en"):
            if wanted in texts:
                return texts[wanted]
        return self.texts[0][1]

    def as_value(self) -> str | dict[str, str]:
        """The YAML and JSON form it came from."""
        if len(self.texts) == 1 and self.texts[0][0] == ANY:
            return self.texts[0][1]
        return dict(self.texts)

    def __bool__(self) -> bool:
        return bool(self.texts)


def title_case(name: str) -> str:
    """A readable label from a name: `close_date` → `Close date`."""
    return name.replace("_", " ").capitalize()

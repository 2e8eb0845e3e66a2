"""Chrome texts: English in the source, other languages from `translations/<locale>/LC_MESSAGES/messages.po`.

The catalogues are read as text with Babel when first needed (no compiled files to keep in step) and stay in memory.
Labels from metadata do not pass here (`Label.text`), nor do messages of the record service, which speaks the actor's
language.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from .visit import LOCALES, current_visit

FOLDER = Path(__file__).parent / "translations"


@lru_cache(maxsize=16)
def catalogue(language: str) -> dict[str, str]:
    """English text → text of `language`; empty for English and for languages without a catalogue."""
    path = FOLDER / LOCALES.get(language, language) / "LC_MESSAGES" / "messages.po"
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        found: Catalog = read_po(file)
    texts: dict[str, str] = {}
    for message in found:
        keys = message.id if isinstance(message.id, tuple | list) else (message.id,)
        values = message.string if isinstance(message.string, tuple | list) else (message.string,)
        for key in keys:
            if key and values and values[0]:
                texts[str(key)] = str(values[0])  # Chinese has one plural form
    return texts


def translate(language: str, text: str, **values: object) -> str:
    """`text` in `language`, with `%(name)s` places filled."""
    found = catalogue(language).get(text, text)
    return found % values if values else found


def gettext(text: str, **values: object) -> str:
    """`text` in the visit's language."""
    return translate(current_visit().language, text, **values)


def ngettext(one: str, many: str, n: int, **values: object) -> str:
    """The form of the text that fits the number `n`, which is also available as `%(n)s`."""
    return gettext(one if n == 1 else many, **{"n": n, **values})

"""Words of a file against words of the definitions: columns to fields, cells to choices.

A name matches as it is, by its label in any language, by an alias, and last by its bare form (letters and digits only,
folded): `MonthlyCharges`, `monthly_charges` and `Monthly charges` are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guanxi.common.labels import Label
from guanxi.common.text import fold
from guanxi.registry.objects import Field, Option


def bare(text: str) -> str:
    """Letters and digits only, folded."""
    return "".join(char for char in fold(text) if char.isalnum())


def label_texts(label: Label) -> tuple[str, ...]:
    """The texts of a label in all its languages."""
    return tuple(text for _, text in label.texts)


class Vocabulary:
    """Finds a name by its words. A stronger kind of match wins over a weaker one; two names under one word of the same
    kind make the word ambiguous, and nothing is guessed.
    """

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._folded: dict[str, set[str]] = {}
        self._bare: dict[str, set[str]] = {}

    def add(self, name: str, words: Iterable[str]) -> None:
        """A name with the words it is also known by."""
        self._names.add(name)
        for word in (name, *words):
            self._folded.setdefault(fold(word), set()).add(name)
            if core := bare(word):
                self._bare.setdefault(core, set()).add(name)

    def find(self, word: str) -> frozenset[str]:
        """The names a word may mean: none, one, or several when it is ambiguous."""
        if word in self._names:
            return frozenset((word,))
        return frozenset(self._folded.get(fold(word)) or self._bare.get(bare(word)) or ())

    @property
    def names(self) -> frozenset[str]:
        """All names."""
        return frozenset(self._names)


def option_words(options: Mapping[str, Option]) -> Vocabulary:
    """The vocabulary of a choice field."""
    found = Vocabulary()
    for name, option in options.items():
        found.add(name, (*label_texts(option.label), *option.aliases))
    return found


def field_words(fields: Iterable[Field]) -> Vocabulary:
    """The vocabulary of an object's fields."""
    found = Vocabulary()
    for field in fields:
        found.add(field.name, (*label_texts(field.label), *field.aliases))
    return found

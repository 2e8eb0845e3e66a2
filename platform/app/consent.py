"""Words of consent (`--allow account.fax`): one that names nothing is a slip, and is told with the nearest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from guanxi.common.errors import BadRequest
from guanxi.common.names import did_you_mean
from guanxi.registry import Registry

if TYPE_CHECKING:
    from guanxi.runtime.schema.plan import Plan


def judge_words(words: Iterable[str], plan: Plan, *registries: Registry) -> None:
    """Raise BadRequest for a word that is no consent the plan asks for and names nothing in the registries.

    A word for something that exists but loses nothing is idle, not wrong: scripts may say it at every run.
    """
    asked = [finding.consent for finding in plan.findings if finding.consent]
    for word in words:
        if word in asked or any(_names(registry, word) for registry in registries):
            continue
        known = asked or list(_every(registries))
        hint = did_you_mean(word, known) or (f"the plan asks for {', '.join(asked)}" if asked else "")
        raise BadRequest(f"--allow names '{word}', which is nothing here.", code="unknown_consent", hint=hint)


def _names(registry: Registry, word: str) -> bool:
    owner, _, rest = word.partition(".")
    name, sign, option = rest.partition("=")
    found = registry.objects.get(owner)
    if found is None or not rest:
        return found is not None and not word.endswith(".")
    field = found.fields.get(name)
    return field is not None and (not sign or option in field.options)


def _every(registries: Iterable[Registry]) -> Iterator[str]:
    for registry in registries:
        for name, kind in registry.objects.items():
            yield name
            yield from (f"{name}.{field.name}" for field in kind.fields.values() if not field.system)

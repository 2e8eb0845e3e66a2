"""`kind: options` → OptionSet."""

from __future__ import annotations

from collections.abc import Mapping

from guanxi.registry import OptionSet

from ..documents.options import OptionPart, OptionsDocument
from ..link.context import Context
from ..link.outline import options_of
from ..nodes import Document
from .scope import label_of, text_in_all


def compile_options(context: Context, document: Document, model: OptionsDocument) -> OptionSet:
    """The compiled set, from memory when the document is unchanged: fields that use it are then unchanged too."""
    return context.made(document, "options", lambda: _compile(context, document, model))


def _compile(context: Context, document: Document, model: OptionsDocument) -> OptionSet:
    judge_options(context, document, model.options, ("options",))
    label = label_of(context, document, ("label",), model.label, document.name)
    return OptionSet(document.name, label, options_of(model.options), document.layer)


def judge_options(
    context: Context, document: Document, options: Mapping[str, OptionPart], path: tuple[str, ...]
) -> None:
    """Note options that are renamed from one that still exists, and labels that lack a language."""
    for name, option in options.items():
        if option.label:
            text_in_all(context, document, (*path, name), option.label)
        if option.renamed_from and option.renamed_from in options:
            said = f"renamed from '{option.renamed_from}', but an option of that name still exists"
            context.error("model-rule", said, document, (*path, name, "renamed_from"))

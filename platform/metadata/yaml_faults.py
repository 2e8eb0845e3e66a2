"""The YAML library's complaint in words that help: what is wrong, where it began, what to do."""

from __future__ import annotations

import re

import yaml

from guanxi.common.diagnostics import Diagnostics, Place

_TOKEN_HINT = "put the text in quotes"  # noqa: S105 (words for people)


def report_syntax(fault: yaml.YAMLError, text: str, file: str, found: Diagnostics) -> None:
    """Note one syntax error at the most helpful place the library knows."""
    if not isinstance(fault, yaml.MarkedYAMLError):
        found.error("yaml-syntax", f"the text cannot be read: {str(fault)[:200]}", Place(file))
        return
    lines = re.split("\r\n|\r|\n", text)
    place = _place(fault.problem_mark or fault.context_mark, file, lines)
    began = _place(fault.context_mark, file, lines) if fault.context_mark else place
    tab = _tab(lines, place, began)
    if tab:
        found.error("yaml-tab", "a tab is used for indentation", tab, hint="indent with spaces")
        return
    problem, context = fault.problem or "", fault.context or ""
    if "quoted scalar" in context and "end of stream" in problem:
        found.error("yaml-syntax", "this quote is never closed", began)
        return
    sentence, hint = _words(problem, context, _character(lines, place))
    if began != place and not hint:
        hint = f"{context.removeprefix('while ') or 'it'} began at {began.line}:{began.column}"
    found.error("yaml-syntax", sentence, place, hint=hint)


def _place(mark: yaml.Mark | None, file: str, lines: list[str]) -> Place:
    if mark is None:
        return Place(file)
    line = min(mark.line, len(lines) - 1)
    column = min(mark.column, len(lines[line])) if line == mark.line else len(lines[line])
    return Place(file, line + 1, column + 1)


def _character(lines: list[str], place: Place) -> str:
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return line[place.column - 1 : place.column]


def _tab(lines: list[str], place: Place, began: Place) -> Place | None:
    """The first tab in the indentation of the line at fault, or of the lines since the faulty part began."""
    for number in range(max(began.line, place.line - 3), place.line + 1):
        line = lines[number - 1] if number <= len(lines) else ""
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        if "\t" in indent and line.strip():
            return Place(place.file, number, indent.index("\t") + 1)
    return None


def _words(problem: str, context: str, character: str) -> tuple[str, str]:
    if "cannot start any token" in problem:
        if character == "\t":
            return "a tab cannot stand here", "use spaces"
        return f"a plain text cannot begin with '{character}'", _TOKEN_HINT
    if "mapping values are not allowed" in problem:
        return "a second colon on this line, or a wrong indentation", "put a text that holds ': ' in quotes"
    if "could not find expected ':'" in problem:
        return "a key without its colon", "write 'key: value', and put a longer text in quotes"
    if "',' or ']'" in problem:
        return "a comma or ']' is missing in this list", ""
    if "',' or '}'" in problem:
        return "a comma or '}' is missing in this map", ""
    if "did not find expected key" in problem:
        return "a key is expected here", "look at the indentation, and at quotes inside a text"
    if "did not find expected '-' indicator" in problem:
        return "a list entry ('- ') is expected here", "look at the indentation"
    if "did not find expected node content" in problem:
        return "a value is missing or a bracket is never closed", ""
    if "document start" in problem:
        return "the text goes on where a document should begin", "put '---' between two documents"
    where = f" ({context})" if context else ""
    return f"{problem or 'the text is not YAML'}{where}", ""

"""What all commands share: the chosen instance, `--json`, and how known errors end a command.

Exit codes: 0 all is well, 1 what was checked or asked for is wrong, 2 misuse (click's own).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from guanxi.common.diagnostics import DefinitionError, Diagnostic
from guanxi.common.errors import FieldError, GuanxiError, Invalid
from guanxi.metadata.format import render, summary

F = TypeVar("F", bound=Callable[..., Any])
SETTINGS_FILE = "guanxi.yaml"


@dataclass(slots=True)
class Session:
    """What a run of the program was told before its command: the instance's folder."""

    folder: Path

    @property
    def is_instance(self) -> bool:
        """True when the folder holds a guanxi.yaml."""
        return (self.folder / SETTINGS_FILE).is_file()


def instance_option(function: F) -> F:
    """`--instance DIR` behind a command as well as before it."""

    def choose(ctx: click.Context, _: click.Parameter, value: Path | None) -> None:
        if value is not None:
            ctx.obj = Session(value)

    return click.option(
        "--instance",
        type=click.Path(path_type=Path, file_okay=False),
        default=None,
        expose_value=False,
        callback=choose,
        help="Folder of the instance; the current folder when not given.",
    )(function)


def json_option(function: F) -> F:
    """`--json`: one JSON value on standard output."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")(function)


allow_option = click.option("--allow", multiple=True, metavar="NAME", help="A loss that is accepted; may be repeated.")


def confirmed(yes: bool, question: str) -> None:
    """Go on when the person agrees (or said `--yes`); end with exit code 1 otherwise."""
    if yes:
        return
    if not sys.stdin.isatty():
        fail("nobody to ask: add --yes")
    if not click.confirm(question):
        fail("nothing was published")


def print_json(value: Any) -> None:
    """One JSON value, readable."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> None:
    """Aligned columns with a head on a terminal; plain lines separated by tabs elsewhere."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    widths = [max(_width(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    for number, row in enumerate([head, *rows]):
        said = "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.echo(click.style(said, bold=True) if number == 0 else said)


def _width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def fail(sentence: str, *, hint: str = "") -> NoReturn:
    """Say what is wrong on standard error and end with exit code 1."""
    click.echo(f"error: {sentence}" + (f" ({hint})" if hint else ""), err=True)
    raise click.exceptions.Exit(1)


def report(found: Sequence[Diagnostic], style: str = "text") -> None:
    """Print diagnostics: machine forms and findings on standard output, the summary for people on standard error."""
    text = render(found, style)
    if text:
        click.echo(text)
    if style == "text":
        click.echo(summary(found), err=True)


@contextmanager
def answer() -> Iterator[None]:
    """Turn what the platform raises on purpose into sentences and exit code 1."""
    try:
        yield
    except DefinitionError as error:
        click.echo(render(error.diagnostics), err=True)
        click.echo(summary(error.diagnostics), err=True)
        raise click.exceptions.Exit(1) from None
    except Invalid as error:
        for one in error.errors:
            click.echo(f"error: {_field(one)}", err=True)
        raise click.exceptions.Exit(1) from None
    except GuanxiError as error:
        fail(error.detail, hint=error.hint)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 (stays until the end)
        raise click.exceptions.Exit(1) from None


def _field(error: FieldError) -> str:
    return f"{error.field}: {error.message} [{error.code}]" if error.field else f"{error.message} [{error.code}]"

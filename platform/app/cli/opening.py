"""Commands that need the database open the chosen instance here and close it whatever happens."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from guanxi.runtime.access.actor import SYSTEM, Actor
from guanxi.runtime.services import Services

from ..instance import Instance
from ..live import Live
from ..publisher import Publisher
from .common import Session


def operator() -> Actor:
    """Whoever runs the program: may do everything, and stands in versions and in the audit trail as `cli:<account>`."""
    return replace(SYSTEM, name=f"cli:{_account()}", channel="cli")


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as in some containers
        return str(os.getuid())


@dataclass(frozen=True)
class Opened:
    """The instance of a command, with what runs on it."""

    instance: Instance
    live: Live

    @property
    def services(self) -> Services:
        """The services of the published version."""
        return self.live.services()

    @property
    def publisher(self) -> Publisher:
        """Planning and publishing."""
        return Publisher(self.instance, self.live)


@contextmanager
def opened() -> Iterator[Opened]:
    """The instance named by `--instance`, or the current folder."""
    session = click.get_current_context().find_object(Session) or Session(Path())
    instance = Instance.open(session.folder)
    try:
        yield Opened(instance, Live(instance))
    finally:
        instance.close()


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, nothing elsewhere; the callable takes done and total."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def move(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield move

"""The command line `guanxi`: one lazy group, so that `guanxi check` never imports a web server.

A command is one function in a module of its family (`definitions.py`, `packs.py`, …) and one row in `COMMANDS`.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from .common import Session, answer

# name → (module below this package, attribute, one line for the overview); in the order in which help lists them
COMMANDS: dict[str, tuple[str, str, str]] = {
    "demo": ("demo", "demo", "An instance with sample data, served"),
    "init": ("init", "init", "Make a new, empty instance"),
    "check": ("definitions", "check", "Report every error and warning of definitions"),
    "schema": ("definitions", "schema", "Print the JSON Schema of the YAML"),
    "reference": ("definitions", "reference", "Print the reference of the YAML"),
    "where-used": ("definitions", "where_used", "Find everything that mentions a name"),
    "patch": ("patches", "patch", "Write a patch of a definition, or its base"),
    "test": ("tests", "test", "Run metadata tests"),
    "plan": ("publish", "plan", "Say what publishing the files would do"),
    "apply": ("publish", "apply", "Publish the files, or a saved plan"),
    "versions": ("publish", "versions", "Published versions"),
    "rollback": ("publish", "rollback", "Publish an earlier version again"),
    "diff": ("publish", "diff", "The difference between two versions"),
    "pull": ("publish", "pull", "Write what is published back as files"),
    "serve": ("server", "serve", "Serve the screens and the API"),
    "worker": ("worker", "worker", "Do background work"),
    "jobs": ("worker", "jobs", "Background work: jobs, queue, dead letters, schedules"),
    "openapi": ("server", "openapi", "The OpenAPI document of the instance"),
    "recycle": ("recycle", "recycle", "Send records that are due back to their pools now"),
    "doctor": ("server", "doctor", "Check database, metadata, disk and clock"),
    "import": ("data", "import_command", "Load a file of records, with a verdict per row"),
    "export": ("data", "export_command", "Write records as CSV, XLSX or NDJSON"),
    "import-undo": ("data", "undo_command", "Take an import back"),
    "backup": ("backups", "backup", "Write the whole instance into one file"),
    "restore": ("backups", "restore", "Make a new instance from a backup"),
    "verify": ("backups", "verify", "Prove a backup by restoring it on trial"),
    "audit": ("audit", "audit", "The audit trail: verify, head, export"),
    "simulate": ("simulate", "simulate", "What an approval would do, without doing it"),
    "approvals": ("approvals", "approvals", "drawings of approval flows"),
    "explain": ("rights", "explain", "Why somebody may or may not do something with a record"),
    "matrix": ("rights", "matrix", "Who may do what, as CSV"),
    "user": ("people", "user", "People, passwords and tokens"),
    "pack": ("packs", "pack", "Packs: list, install, upgrade, uninstall, test, start"),
}


class Commands(click.Group):
    """Imports a command when it is asked for; turns known errors into a sentence and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Names in the order of the catalogue."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(import_module(f".{module}", __name__), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 (the catalogue is ours)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest right command for a wrong one."""
        from guanxi.common.names import did_you_mean

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS)
            ctx.fail(f"there is no command '{args[0]}'" + (f" ({hint})" if hint else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The overview, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row[2]) for name, row in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what is known to go wrong is answered, never traced."""
        with answer():
            return super().invoke(ctx)


def _version() -> str:
    try:
        return version("guanxi")
    except PackageNotFoundError:
        return "development"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--instance",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder of the instance; the current folder when not given.",
)
@click.version_option(_version(), prog_name="guanxi")
@click.pass_context
def main(ctx: click.Context, instance: Path | None) -> None:
    """Guanxi 关系: a CRM from YAML definitions.

    \b
    Example:
      guanxi init my-crm --pack crm
      guanxi --instance my-crm check
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    ctx.obj = Session(instance or Path())

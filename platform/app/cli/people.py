"""`guanxi user`: people, passwords and tokens."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..accounts import Accounts
from .common import fail, instance_option, print_json
from .opening import opened, operator


def _password(from_stdin: bool) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if from_stdin else None


@click.group()
def user() -> None:
    """People: add, password, token, disable.

    Example: guanxi user add li.na --role sales --team North
    """


@user.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="A role by name; may be repeated.")
@click.option("--team", default=None, help="The team; made when it is not there.")
@click.option("--manager", default=None, metavar="NAME", help="The manager's log-in name.")
@click.option("--full-name", default=None, help="The name people read.")
@click.option("--email", default=None)
@click.option("--service", is_flag=True, help="A service account: a program with tokens, without a password.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of the input.")
@click.option("--json", "as_json", is_flag=True)
@instance_option
def add(
    name: str,
    roles: tuple[str, ...],
    team: str | None,
    manager: str | None,
    full_name: str | None,
    email: str | None,
    service: bool,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Add a user; prints the password when it was made here.

    Example: guanxi user add li.na --role sales --team North --manager chen.jing
    """
    given = _password(password_stdin)
    with opened() as here:
        accounts = Accounts(here.instance, here.services, operator())
        extra: dict[str, Any] = {k: v for k, v in (("full_name", full_name), ("email", email)) if v}
        user_id, chosen = accounts.add(
            name, password=given, roles=roles, team=team, manager=manager, service=service, **extra
        )
    if as_json:
        print_json({"id": user_id, "name": name} | ({"password": chosen} if chosen and not given else {}))
    else:
        click.echo(f"added {name} (id {user_id})" + (f", password {chosen}" if chosen and not given else ""))


@user.command()
@click.argument("name")
@click.option("--days", default=90, type=click.IntRange(1, 365), show_default=True)
@click.option("--scope", "scopes", multiple=True, help="read, write, admin or object:NAME; may be repeated.")
@instance_option
def token(name: str, days: int, scopes: tuple[str, ...]) -> None:
    """Print a new bearer token, and nothing else.

    Example: curl -H "Authorization: Bearer $(guanxi user token li.na)" http://127.0.0.1:8000/api/me
    """
    with opened() as here:
        accounts = Accounts(here.instance, here.services, operator())
        made = accounts.service.make_token(
            accounts.user_id(name),
            accounts.actor,
            name="command line",
            days=days,
            scopes=scopes,
            objects=list(here.services.registry.objects),
        )
        text = made["token"]
    click.echo(text)


@user.command()
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of the input.")
@click.option("--must-change", is_flag=True, help="The person chooses another one at the next log-in.")
@instance_option
def password(name: str, password_stdin: bool, must_change: bool) -> None:
    """Set a new password; ends the user's sessions and tokens.

    Example: guanxi user password li.na --password-stdin < secret.txt
    """
    given = _password(password_stdin) or click.prompt("New password", hide_input=True, confirmation_prompt=True)
    if not given:
        fail("no password given")
    with opened() as here:
        accounts = Accounts(here.instance, here.services, operator())
        accounts.service.set_by_operator(accounts.user_id(name), given, accounts.actor, must_change=must_change)
    click.echo(f"password of {name} set")


@user.command()
@click.argument("name")
@instance_option
def disable(name: str) -> None:
    """Shut a user out at once; the records stay.

    Example: guanxi user disable li.na
    """
    with opened() as here:
        Accounts(here.instance, here.services, operator()).disable(name)
    click.echo(f"{name} can no longer log in")


@user.command()
@click.argument("name")
@instance_option
def invite(name: str) -> None:
    """Print a link with which a person sets the password: it works once, for seven days.

    Example: guanxi user invite li.na
    """
    with opened() as here:
        accounts = Accounts(here.instance, here.services, operator())
        path = accounts.service.invite(accounts.user_id(name), accounts.actor)
    click.echo(accounts.service.absolute(path))


@user.command("reset-totp")
@click.argument("name")
@instance_option
def reset_totp(name: str) -> None:
    """Take a person's second factor away; ends the sessions.

    Example: guanxi user reset-totp li.na
    """
    with opened() as here:
        accounts = Accounts(here.instance, here.services, operator())
        accounts.service.reset_second(accounts.user_id(name), accounts.actor)
    click.echo(f"{name} has no second factor now")

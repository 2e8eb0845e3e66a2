"""`guanxi init`: files, first version, first administrator; a database that is away is told and leaves the files."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from guanxi.app.accounts import Accounts
from guanxi.app.cli import main
from guanxi.app.instance import Instance
from guanxi.app.live import Live


def run(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=input, prog_name="guanxi")


def login(folder: Path, name: str, password: str) -> bool:
    instance = Instance.open(folder)
    try:
        services = Live(instance).services()
        number = services.credentials.authenticate(name, password)
        actor = services.actor(number) if number else None
        return actor is not None and actor.administrator
    finally:
        instance.close()


def test_an_administrator_is_made_and_the_password_printed_once(tmp_path: Path, database_url: str) -> None:
    folder = tmp_path / "crm"
    result = run("init", str(folder), "--database", database_url, "--pack", "crm")
    assert result.exit_code == 0, result.output
    last = result.stdout.splitlines()[-1]
    assert last.startswith("administrator admin, password ")
    assert login(folder, "admin", last.rpartition(" ")[2])
    instance = Instance.open(folder)
    assert "account" in Live(instance).services().registry.objects
    assert Accounts(instance, Live(instance).services()).has_administrator()
    instance.close()


def test_a_given_password_is_never_printed(tmp_path: Path) -> None:
    folder = tmp_path / "crm"
    result = run("init", str(folder), "--admin", "li.na", "--password-stdin", input="very secret 1\n")
    assert result.exit_code == 0, result.output
    assert "very secret" not in result.output
    assert login(folder, "li.na", "very secret 1")
    assert run("init", str(tmp_path / "other"), "--password-stdin", input="").exit_code == 1


def test_a_database_in_use_keeps_its_administrator(tmp_path: Path, database_url: str) -> None:
    run("init", str(tmp_path / "one"), "--database", database_url, "--password-stdin", input="very secret 1\n")
    again = run("init", str(tmp_path / "two"), "--database", database_url)
    assert again.exit_code == 0
    assert "has an administrator already" in again.stderr
    assert "password" not in again.stdout
    assert login(tmp_path / "two", "admin", "very secret 1")


def test_a_database_that_is_away_leaves_the_files(tmp_path: Path) -> None:
    result = run("init", str(tmp_path / "crm"), "--database", "postgresql://crm:hidden@127.0.0.1:1/crm")
    assert result.exit_code == 1
    assert "the database postgresql://crm:***@127.0.0.1:1/crm cannot be used" in result.stderr
    assert "hidden" not in result.output
    assert (tmp_path / "crm" / "guanxi.yaml").exists()
    assert run("check", str(tmp_path / "crm")).exit_code == 0

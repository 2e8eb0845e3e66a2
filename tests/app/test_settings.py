"""guanxi.yaml: variables, secrets, and every fault at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from guanxi.app.settings import Settings, load_settings, read_settings, redacted
from guanxi.common.diagnostics import DefinitionError, Diagnostics


def load(folder: Path, text: str, **environment: str) -> tuple[Settings, list[str]]:
    (folder / "guanxi.yaml").write_text(text, encoding="utf-8")
    found = Diagnostics()
    settings, _ = load_settings(folder, found, environment)
    return settings, [f"{d.severity} {d.code} {d.place} {d.path} {d.hint}".strip() for d in found]


@pytest.mark.parametrize("text", ["", "# nothing\n", "name: Guanxi\n"])
def test_everything_has_a_default(tmp_path: Path, text: str) -> None:
    settings, faults = load(tmp_path, text)
    assert not faults
    assert (settings.database, settings.languages, settings.currency) == (
        "sqlite:///data/guanxi.db",
        ("en", "zh"),
        "CNY",
    )
    assert str(settings.zone) == "Asia/Shanghai"


def test_the_documented_example(tmp_path: Path) -> None:
    text = (
        "database: postgresql://crm@db/crm\noutbound: {allow: [127.0.0.1]}\n"
        "webhooks: {erp_orders: {url: ${ERP_URL}, secret: ${ERP_SECRET}}}\nlimits: {requests_per_minute: 6000}\n"
    )
    settings, faults = load(tmp_path, text, ERP_URL="http://127.0.0.1:9/x", ERP_SECRET="012")
    assert not faults
    assert settings.webhooks["erp_orders"].url == "http://127.0.0.1:9/x"
    assert settings.webhooks["erp_orders"].secret == "012"
    assert settings.outbound.allow == ("127.0.0.1",)


def test_variables_have_defaults_and_may_stand_inside_a_text(tmp_path: Path) -> None:
    settings, faults = load(tmp_path, "name: 'CRM of ${WHO}'\ndatabase: ${DB:-sqlite:///x.db}\n", WHO="客户: {a}")
    assert not faults
    assert (settings.name, settings.database) == ("CRM of 客户: {a}", "sqlite:///x.db")


def test_an_unset_variable_is_one_fault(tmp_path: Path) -> None:
    _, faults = load(tmp_path, "webhooks: {erp: {url: ${ERP_URL}}}\n")
    assert faults == ["error environment guanxi.yaml:1:23 webhooks.erp.url"]
    found = Diagnostics()
    settings, _ = load_settings(tmp_path, found, {}, secrets=False)
    assert [one.severity for one in found] == ["warning"]
    assert list(settings.webhooks) == ["erp"]


def test_secrets_come_from_a_file_and_are_never_shown(tmp_path: Path) -> None:
    (tmp_path / "hush.txt").write_text("t0p-secret\n", encoding="utf-8")
    text = (
        "mail: {smtp: {host: m, password_file: hush.txt}, from: a@b.c}\n"
        "webhooks: {a: {url: 'http://a', secret: ${S}}}\n"
        "database: postgresql://u:${P}@h/x\n"
    )
    settings, faults = load(tmp_path, text, S="t0p-secret", P="t0p-secret")
    assert not faults
    assert settings.mail.smtp.password == settings.webhooks["a"].secret == "t0p-secret"
    assert "t0p-secret" not in repr(settings)
    assert redacted(settings.database) == "postgresql://u:***@h/x"
    _, faults = load(tmp_path, "sms: {secret_file: none.txt}\n")
    assert faults == ["error settings guanxi.yaml:1:20 sms.secret_file"]


def test_a_secret_in_the_file_is_a_warning_without_the_secret(tmp_path: Path) -> None:
    _, faults = load(tmp_path, "webhooks: {a: {url: 'http://a', secret: hush}}\ndatabase: postgresql://u:hush@h/x\n")
    assert [fault.split(" ")[:3] for fault in faults] == [
        ["warning", "settings", "guanxi.yaml:1:41"],
        ["warning", "settings", "guanxi.yaml:2:11"],
    ]
    assert "hush" not in " ".join(faults)


def test_every_fault_at_once(tmp_path: Path) -> None:
    text = (
        "nmae: X\nlimits: {request_per_minute: 1, import_rows: 0}\ntime_zone: Asia/Shanghia\nlanguages: en\n"
        "mail: {form: a, megabytes: x}\nwebhooks: {a: {ulr: b}}\ncurrency: rmb\ndatabase: mysql://x\n"
    )
    _, faults = load(tmp_path, text)
    assert faults == [
        "error settings guanxi.yaml:1:1 nmae did you mean 'name'?",
        "error settings guanxi.yaml:2:10 limits.request_per_minute did you mean 'requests_per_minute'?",
        "error settings guanxi.yaml:2:46 limits.import_rows",
        "error settings guanxi.yaml:3:12 time_zone",
        "error settings guanxi.yaml:4:12 languages",
        "error settings guanxi.yaml:5:8 mail.form did you mean 'from'?",
        "error settings guanxi.yaml:5:28 mail.megabytes",
        "error settings guanxi.yaml:6:12 webhooks.a.url",
        "error settings guanxi.yaml:6:16 webhooks.a.ulr did you mean 'url'?",
        "error settings guanxi.yaml:7:11 currency",
        "error settings guanxi.yaml:8:11 database",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: [", "error yaml-syntax guanxi.yaml:1:5"),
        ("- a", "error yaml-document guanxi.yaml:1:1"),
        ("name: a\n---\nname: b\n", "error settings guanxi.yaml:3:1"),
        ("name: &x a\n", "error yaml-anchor guanxi.yaml:1:7"),
    ],
)
def test_the_same_strict_reader(tmp_path: Path, text: str, fault: str) -> None:
    assert load(tmp_path, text)[1][0].startswith(fault)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="guanxi init"):
        read_settings(tmp_path)

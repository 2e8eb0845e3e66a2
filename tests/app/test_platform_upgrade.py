"""An instance published by an earlier release is opened by this one: at once, once, and never with a loss."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from guanxi.app.factory import create_app
from guanxi.app.instance import Instance, compile_stored
from guanxi.app.live import Live
from guanxi.app.publisher import Publisher
from guanxi.app.upgrade import PlatformUpgrade, behind
from guanxi.common.errors import Conflict
from guanxi.metadata.sources import builtin_layer
from guanxi.runtime.access.actor import SYSTEM
from guanxi.runtime.query.request import ListQuery
from tests.support.databases import database_url  # noqa: F401 (a fixture)

EARLIER = Path(__file__).parent / "earlier_release"
THING = "kind: object\nname: thing\ntitle: name\nfields: {name: {type: text}}\n"
Edit = Callable[[dict[str, str]], None]


def earlier(folder: Path, database: str, edit: Edit = lambda _: None) -> Instance:
    """An instance as an earlier release left it: its definitions of the platform, an object, a person, a thing."""
    folder.mkdir(exist_ok=True)
    (folder / "guanxi.yaml").write_text(json.dumps({"name": "Old", "database": database}), encoding="utf-8")
    (folder / "metadata").mkdir(exist_ok=True)
    (folder / "metadata" / "thing.yaml").write_text(THING, encoding="utf-8")
    instance = Instance.open(folder)
    files = {f"platform/{path.name}": path.read_text(encoding="utf-8") for path in sorted(EARLIER.glob("*.yaml"))}
    edit(files)
    layers = [{"name": "platform", "files": files}, {"name": "instance", "files": {"metadata/thing.yaml": THING}}]
    bundle = {"format": 1, "languages": ["en", "zh"], "currency": "CNY", "bases": {}, "layers": layers}
    assert behind(bundle)
    instance.schema.publish(compile_stored(bundle), bundle, "system")
    now = "2026-01-01T00:00:00.000000Z"
    with instance.database.write():
        for table in ("user", "thing"):
            more, value = (', "active"', ", true") if table == "user" else ("", "")
            sql = f'INSERT INTO "o_{table}" (version, created_at, updated_at, "name"{more}) VALUES (1, ?, ?, ?{value})'
            instance.database.execute(instance.database.sql(sql), (now, now, "li"))
    return instance


@pytest.fixture
def opened(tmp_path: Path, database_url: str) -> Iterator[Instance]:  # noqa: F811
    instance = earlier(tmp_path / "inst", database_url)
    yield instance
    instance.close()


def rows(instance: Instance, name: str, *fields: str) -> list[dict[str, Any]]:
    return list(Live(instance).services().records.list(SYSTEM, ListQuery(object=name, fields=fields, limit=9)).data)


def trail(instance: Instance) -> list[str]:
    return [row[0] for row in instance.database.rows("SELECT action FROM gx_audit ORDER BY id")]


def test_it_works_at_once_and_keeps_what_was_there(opened: Instance) -> None:
    app = create_app(opened)
    assert app.test_client().get("/readyz").status_code == 200
    assert rows(opened, "thing", "name")[0]["name"] == "li"
    (li,) = rows(opened, "user", "name", "skills", "available", "kind")
    assert (li["name"], li["available"], li["kind"]) == ("li", True, "person"), "new fields have their defaults"
    assert rows(opened, "user_task", "id") == []
    newest = opened.schema.versions()[0]
    assert (newest.number, newest.author, newest.note) == (2, "system", "platform upgrade")
    assert trail(opened).count("platform_upgrade") == 1
    app.extensions["guanxi_jobs"].stop()


def test_a_second_look_changes_nothing(opened: Instance) -> None:
    Live(opened).services()
    again = Live(opened).services()
    assert again.version == 2
    assert not behind(opened.schema.bundle_of(2))
    assert trail(opened).count("platform_upgrade") == 1


def test_of_many_processes_one_does_it(opened: Instance) -> None:
    program = (
        "import sys; from pathlib import Path;"
        "from guanxi.app.instance import Instance; from guanxi.app.live import Live;"
        "print(Live(Instance.open(Path(sys.argv[1]))).services().version)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(opened.folder)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [(one.communicate(timeout=120)[0].strip(), one.returncode) for one in started]
    assert said == [("2", 0)] * 4
    assert trail(opened).count("platform_upgrade") == 1


def test_the_files_may_be_published_and_rolled_back_afterwards(opened: Instance) -> None:
    live = Live(opened)
    publisher = Publisher(opened, live)
    live.services()
    file = opened.folder / "metadata" / "thing.yaml"
    file.write_text(THING.replace("}}", "}, size: {type: integer}}"), encoding="utf-8")
    assert publisher.apply(SYSTEM, None, (), "", "")["version"] == 3
    assert publisher.rollback(SYSTEM, 1, ())["version"] == 4
    registry = live.services().registry
    assert "size" not in registry.objects["thing"].fields
    assert "skills" in registry.objects["user"].fields, "going back is for the instance's definitions"


def test_a_plan_of_the_earlier_release_is_stale(opened: Instance) -> None:
    bundle = opened.schema.bundle_of(1)
    plan = opened.schema.plan(compile_stored(bundle), bundle, "li")
    with pytest.raises(Conflict, match="another release"):
        Publisher(opened, Live(opened)).apply_plan(SYSTEM, plan, ())


def test_a_loss_is_left_to_a_person(tmp_path: Path, database_url: str) -> None:  # noqa: F811
    def edit(files: dict[str, str]) -> None:
        files["platform/user.yaml"] = files["platform/user.yaml"].replace(
            "fields:\n", "fields:\n  fax: {type: text}\n", 1
        )

    instance = earlier(tmp_path / "inst", database_url, edit)
    with instance.database.write():
        instance.database.execute("UPDATE o_user SET \"fax\" = '1'")
    with pytest.raises(PlatformUpgrade, match=r"user\.fax"):
        Live(instance).services()
    assert instance.schema.versions()[0].number == 1
    done = Publisher(instance, Live(instance)).apply(SYSTEM, None, ("user.fax",), "", "")
    assert done["version"] == 2
    assert rows(instance, "user", "name", "kind")[0]["name"] == "li"
    instance.close()


def test_definitions_that_do_not_go_together_are_named(tmp_path: Path, database_url: str) -> None:  # noqa: F811
    instance = earlier(tmp_path / "inst", database_url)
    number, _ = instance.versions.current() or (0, "")
    bundle = dict(instance.schema.bundle_of(number))
    own = {"metadata/mine.yaml": "kind: object\nname: user_task\ntitle: name\nfields: {name: {type: text}}\n"}
    layers = [one if one["name"] == "platform" else one | {"files": own} for one in bundle["layers"]]
    stored = bundle | {"layers": layers}
    with instance.database.write():
        sql = instance.database.sql("UPDATE gx_versions SET bundle = ? WHERE number = ?")
        instance.database.execute(sql, (json.dumps(stored), number))
    with pytest.raises(PlatformUpgrade, match="user_task"):
        Live(instance).services()
    instance.close()


def test_an_instance_of_a_newer_release_goes_on(tmp_path: Path, database_url: str) -> None:  # noqa: F811
    def edit(files: dict[str, str]) -> None:
        files.clear()
        files.update({source.file: bytes(source.data).decode() for source in builtin_layer().sources})  # type: ignore[arg-type]
        files["platform/user.yaml"] = files["platform/user.yaml"].replace(
            "fields:\n", "fields:\n  fax: {type: text}\n", 1
        )

    instance = earlier(tmp_path / "inst", database_url, edit)
    assert Live(instance).services().version == 1
    assert "fax" in rows(instance, "user", "fax")[0]
    instance.close()


def test_other_words_of_the_same_meaning_publish_nothing(tmp_path: Path, database_url: str) -> None:  # noqa: F811
    def edit(files: dict[str, str]) -> None:
        files.clear()
        files.update({s.file: "# said otherwise\n" + bytes(s.data).decode() for s in builtin_layer().sources})  # type: ignore[arg-type]

    instance = earlier(tmp_path / "inst", database_url, edit)
    assert [Live(instance).services().version for _ in range(2)] == [1, 1]
    assert (instance.folder / "data" / "platform.mark").is_file()
    instance.close()

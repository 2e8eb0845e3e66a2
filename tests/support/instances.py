"""A whole instance for tests: a folder, a database of either engine, published YAML, people with tokens, a client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from guanxi.app.accounts import Accounts
from guanxi.app.factory import create_app
from guanxi.app.host import Host
from guanxi.app.instance import Instance

PASSWORD = "correct horse"


@dataclass
class House:
    """One running instance; `get`, `post` … take a log-in name as `who`."""

    instance: Instance
    app: Flask
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> Host:
        found: Host = self.app.extensions["guanxi_host"]
        return found

    def close(self) -> None:
        self.app.extensions["guanxi_jobs"].stop()
        self.instance.close()

    def person(self, name: str, *roles: str, team: str | None = None, manager: str | None = None) -> int:
        accounts = Accounts(self.instance, self.host.services())
        user_id, _ = accounts.add(name, password=PASSWORD, roles=roles, team=team, manager=manager)
        self.tokens[name] = accounts.tokens.issue(user_id, name="test", days=1)[0]
        return user_id

    def call(self, method: str, path: str, who: str | None = "admin", **more: Any) -> TestResponse:
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        return self.app.test_client().open(path, method=method, headers=headers, **more)

    def get(self, path: str, who: str | None = "admin", **query: Any) -> TestResponse:
        return self.call("GET", path, who, query_string=query)

    def post(self, path: str, body: Any = None, who: str | None = "admin", **more: Any) -> TestResponse:
        return self.call("POST", path, who, json={} if body is None else body, **more)

    def patch(self, path: str, body: Any, who: str | None = "admin", **more: Any) -> TestResponse:
        return self.call("PATCH", path, who, json=body, **more)

    def delete(self, path: str, who: str | None = "admin", **more: Any) -> TestResponse:
        return self.call("DELETE", path, who, **more)

    def publish(self, files: Mapping[str, str], *allow: str) -> TestResponse:
        return self.post("/api/meta/apply", {"files": dict(files), "allow": list(allow)})


def make_house(folder: Path, database: str, files: Mapping[str, str], *, packs: tuple[str, ...] = ()) -> House:
    """An instance with these files published and an administrator called admin."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "name": "Test",
        "packs": list(packs),
        "database": database,
        "limits": {"requests_per_minute": 1_000_000},
    }
    (folder / "guanxi.yaml").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "metadata").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "metadata" / name).write_text(text, encoding="utf-8")
    instance = Instance.open(folder)
    house = House(instance, create_app(instance))
    house.person("admin", "administrator")
    done = house.post("/api/meta/apply")
    assert done.status_code == 200, done.text
    return house

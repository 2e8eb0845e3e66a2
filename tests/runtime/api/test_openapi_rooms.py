"""The OpenAPI document names every route of the application, to those who may use it and to nobody else."""

from __future__ import annotations

import re

from tests.support.instances import House

KNOWN_ELSEWHERE = {
    "/api/docs": "a page",
    "/api/openapi.json": "the document itself",
    "/api/files": "an upload",
    "/api/static/{filename}": "files of the page",
    "/hooks/mail": "the mail relay's",
    "/api/{object_name}/{record}/messages/{message}/attachments/{position}": "linked from messages",
    "/api/{object_name}/export": "three media types",
    "/api/{object_name}/import": "an upload",
    "/api/{object_name}/duplicates/check": "of the merging room",
    "/api/meta/forms": "of the forms' room",
    "/api/meta/forms/{name}/link": "of the forms' room",
    "/api/meta/form-submissions": "of the forms' room",
    "/api/meta/form-submissions/{number}/{act}": "of the forms' room",
}


def shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_every_route_is_described(house: House) -> None:
    said = house.get("/api/openapi.json").json
    assert said is not None
    described = {
        (method.upper(), re.sub(r"^/api/customer(?=/|$)", "/api/{}", shape(path)))
        for path, methods in said["paths"].items()
        for method in methods
    }
    missing = []
    for rule in house.app.url_map.iter_rules():
        path = re.sub(r"<(?:[a-z]+(?:\([^)]*\))?:)?([a-z_]+)>", r"{\1}", str(rule))
        if not path.startswith(("/api/", "/hooks/")) or path in KNOWN_ELSEWHERE:
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if (method, shape(path)) not in described and not _named_by_action(path):
                missing.append(f"{method} {path}")
    assert not missing


def _named_by_action(path: str) -> bool:
    """Records' actions stand in the document under their own names."""
    return path.endswith("/actions/{action}")


def test_nobody_is_told_of_rooms_they_may_not_enter(house: House) -> None:
    house.person("plain")
    said = house.get("/api/openapi.json", "plain").json
    assert said is not None
    assert "/api/notifications" in said["paths"]
    for path in ("/api/audit", "/api/meta/apply", "/api/webhooks", "/api/user/{record_id}/actions/make_token"):
        assert path not in said["paths"]
    house.person("eye", "auditor")
    paths = house.get("/api/openapi.json", "eye").json["paths"]  # type: ignore[index]
    assert "/api/audit" in paths
    assert "/api/meta/apply" not in paths


def test_what_is_described_answers(house: House) -> None:
    """Every route without parts answers as described, and every other one without a failure."""
    said = house.get("/api/openapi.json").json
    assert said is not None
    for path, methods in said["paths"].items():
        for method, operation in methods.items():
            if method != "get":
                continue
            answer = house.get(re.sub(r"\{[^}]*\}", "1", path))
            assert str(answer.status_code) in operation["responses"], f"{path} {answer.status_code} {answer.text[:200]}"
            content = operation["responses"][str(answer.status_code)].get("content", {})
            if answer.status_code == 200 and "*/*" not in content:
                assert answer.content_type.split(";")[0] in content, f"{path} {answer.content_type}"

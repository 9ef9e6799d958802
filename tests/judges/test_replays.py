"""Replays: what identity providers' connectors and Slack's SDKs send, step by step, from tests/samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.judges.samples import FOLDER, Sample, Step, differences, filled, load, paths, without_nulls
from tests.protocol.live import Api, Org, ok

Ids = dict[str, str]


@pytest.mark.parametrize("path", paths(), ids=lambda path: str(path.relative_to(FOLDER).with_suffix("")))
def test_after_each_step_the_directory_holds_what_it_says(path: Path, org: Org) -> None:
    sample = load(path)
    api = org.api(sample.version)
    ids = prepare(sample, api) | {"owner": org.owner_id, "nobody": "W0NOBODY"}
    for number, step in enumerate(sample.steps, start=1):
        take(filled_step(step, ids), api, ids, f"step {number}, {step.send}")


def prepare(sample: Sample, api: Api) -> Ids:
    """The ids of the sample's people and groups, made for it."""
    ids: Ids = {}
    for name, more in sample.people.items():
        ids[name] = api.create_user(name, **filled(more, ids))["id"]
    for name, members in sample.groups.items():
        ids[name] = api.create_group(name, *(ids[member] for member in members))["id"]
    return ids


def filled_step(step: Step, ids: Ids) -> dict[str, Any]:
    fields = {name: getattr(step, name) for name in step.__struct_fields__}
    return dict(filled({**fields, "headers": dict(step.headers), "then": dict(step.then)}, ids))


def take(step: dict[str, Any], api: Api, ids: Ids, where: str) -> None:
    """Send one step; check its answer and the state after it; remember the id that it asks to keep."""
    before = {path: ok(api.get(path)) for path in step["unchanged"]}
    answer = send(step, api)
    assert answer.status_code == step["status"], f"{where}: {answer.text}"
    if step["keep"]:
        ids[step["keep"]] = answer.json()["id"]
    if step["answer"] is not None:
        assert list(differences(step["answer"], answer.json())) == [], where
    for path, expected in filled(step["then"], ids).items():
        assert list(differences(expected, ok(api.get(path)))) == [], f"{where}: {path}"
    assert {path: ok(api.get(path)) for path in before} == before, where


def send(step: dict[str, Any], api: Api) -> httpx.Response:
    method, path = step["send"].split(" ", 1)
    body = without_nulls(ok(api.get(step["resend"]))) if step["resend"] else step["body"]
    sender = api if step["token"] is None else Api(api.base_url, step["token"], api.version, api.http)
    return sender.send(method, path, body, headers=step["headers"])

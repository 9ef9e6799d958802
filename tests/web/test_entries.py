"""Events as entries of the Audit Logs API: each kind of thing, found or gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rosterd.directory.model import UserId
from rosterd.store.records.audit import Record
from rosterd.store.records.trail import App, Channel, Names, Person
from rosterd.store.uuids import least_at
from rosterd.web.entries import SCHEMAS, entry
from tests.store.rows import E1, an_org

ORG = an_org()
NAMES = Names(
    people={"W1": Person("Ann Lee", "ann@example.com")},
    groups={"S1": "Sales"},
    workspaces={"T1": ("West", "west")},
    channels={"C1": Channel("plans", True, ("T1", "T2")), "C2": Channel("all", False, ("T1",))},
    apps={
        "A1": App("A9", "Connector", ("admin",), "W1", None),
        "A2": App("A2", "", ("users:read",), "W1", "T1"),
    },
)
ENTERPRISE = {"id": "E1", "name": "Org E1", "domain": "e1.example.com"}


def shown(
    kind: str, id: str, token: str | None = None, details: Any = None, personal: Any = None, **fields: Any
) -> dict[str, Any]:
    """The entry of an event about a thing of this kind and id."""
    given: dict[str, Any] = {"action": "user_created"} | fields
    record = Record(
        org_id=E1,
        id=least_at(1_764_000_000_999),
        created=0,
        actor_id=UserId("W1"),
        token_id=token,
        entity_type=kind,
        entity_id=id,
        request_id="request-1",
        client="pytest",
        ip_address=None,
        details=json.dumps(details or {}),
        subject_id=None,
        personal_digest=None,
        salt=None,
        personal=None if personal is None else json.dumps(personal),
        **given,
    )
    return entry(record, NAMES, ORG)


USER = {"id": "W1", "name": "Ann Lee", "email": "ann@example.com", "team": "E1"}
CHANNEL = {"is_shared": False}


@pytest.mark.parametrize(
    ("kind", "id", "entity"),
    [
        ("user", "W1", USER),
        ("user", "W2", {"id": "W2", "name": "", "email": "", "team": "E1"}),
        ("usergroup", "S1", {"id": "S1", "name": "Sales"}),
        ("usergroup", "S2", {"id": "S2", "name": ""}),
        ("workspace", "T1", {"id": "T1", "name": "West", "domain": "west"}),
        ("workspace", "T2", {"id": "T2", "name": "", "domain": ""}),
        ("enterprise", "E1", ENTERPRISE),
        (
            "channel",
            "C1",
            CHANNEL
            | {
                "id": "C1",
                "name": "plans",
                "privacy": "private",
                "is_org_shared": True,
                "teams_shared_with": ["T1", "T2"],
            },
        ),
        ("channel", "C2", CHANNEL | {"id": "C2", "name": "all", "privacy": "public", "is_org_shared": False}),
        ("channel", "C3", CHANNEL | {"id": "C3", "name": "", "privacy": "public", "is_org_shared": False}),
        (
            "app",
            "A1",
            {
                "id": "A9",
                "name": "Connector",
                "is_distributed": False,
                "is_directory_approved": False,
                "is_workflow_app": False,
                "scopes": ["admin"],
                "scopes_bot": [],
                "creator": "W1",
                "team": "E1",
            },
        ),
    ],
)
def test_things_are_shown_by_kind(kind: str, id: str, entity: dict[str, Any]) -> None:
    assert shown(kind, id)["entity"] == {"type": kind, kind: entity}


def test_entries_have_the_keys_that_schemas_promise() -> None:
    for schema in SCHEMAS:
        kind = schema["type"]
        id = {"user": "W1", "usergroup": "S1", "workspace": "T1", "channel": "C1", "app": "A1"}.get(
            kind, "E1"
        )
        assert set(schema[kind]) <= set(shown(kind, id)["entity"][kind])


def test_a_token_of_a_workspace_acts_in_it() -> None:
    context = shown("user", "W1", "A2")["context"]
    assert context["location"] == {"type": "workspace", "id": "T1", "name": "West", "domain": "west"}
    assert (context["app"]["id"], context["app"]["name"], context["app"]["team"]) == ("A2", "Token A2", "T1")
    context = shown("user", "W1", "A1")["context"]
    assert context["location"] == {"type": "enterprise"} | ENTERPRISE
    assert (context["app"]["id"], context["app"]["name"]) == ("A9", "Connector")
    assert "app" not in shown("user", "W1")["context"]


def test_details_are_said_in_slacks_keys_and_the_session_is_part_of_the_context() -> None:
    found = shown(
        "user",
        "W1",
        details={"usergroup": "S1", "before": 1, "after": 2, "session": "X1", "else": 3},
        personal={"before": None, "after": {"given_name": "Ann", "title": "Chef"}},
    )
    assert found["context"]["session_id"] == "X1"
    assert found["details"] == {
        "subteam": "S1",
        "previous_value": 1,
        "new_value": 2,
        "else": 3,
        "new_profile": {"first_name": "Ann", "title": "Chef"},
    }
    assert "details" not in shown("user", "W1")
    assert found["date_create"] == 1_764_000_000


def test_what_is_gone_has_the_name_that_its_event_tells() -> None:
    assert shown("usergroup", "S2", details={"before": "Old", "after": None})["entity"]["usergroup"] == {
        "id": "S2",
        "name": "Old",
    }
    gone = shown("channel", "C3", details={"name": "plans"}, action="private_channel_deleted")
    assert (gone["entity"]["channel"]["name"], gone["entity"]["channel"]["privacy"]) == ("plans", "private")

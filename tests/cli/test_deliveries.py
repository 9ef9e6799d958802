"""The commands about webhooks and the outbox, as an operator types them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.shell import Shell


@pytest.fixture
def acme(tmp_path: Path) -> Shell:
    """A database with the organisation ``acme``."""
    shell = Shell(tmp_path / "rosterd.db")
    shell.line(
        "org", "create", "--name", "Acme", "--domain", "acme", "--plan", "enterprise",
        "--owner-email", "olive@acme.example",
    )  # fmt: skip
    return shell


def test_a_webhook_is_added_listed_without_its_secret_and_removed(acme: Shell) -> None:
    url = "https://hooks.example.com/x"
    made = acme.line("webhook", "add", "--org", "acme", "--url", url, "--action", "user_created")
    assert re.fullmatch("[0-9a-f]{32}", made["signing_secret"])
    listed = acme.line("webhook", "list", "--org", "acme")
    created = listed.pop("created")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", created)
    assert listed == {"webhook_id": made["webhook_id"], "url": url, "actions": ["user_created"]}
    removed = acme.line("webhook", "remove", made["webhook_id"], "--org", "acme")
    assert removed == {"webhook_id": made["webhook_id"], "removed": True}
    assert acme.lines("webhook", "list", "--org", "acme") == []
    assert "no_such_webhook" in acme.failure("webhook", "remove", made["webhook_id"], "--org", "acme")
    assert "invalid_url" in acme.failure("webhook", "add", "--org", "acme", "--url", "x")


def test_the_outbox_is_listed_without_what_was_written_and_can_be_worked_on(acme: Shell) -> None:
    ann = acme.line("user", "create", "--org", "acme", "--email", "ann@acme.example")["user_id"]
    acme.line("user", "create", "--org", "acme", "--email", "cal@acme.example", "--signed-in")
    assert acme.line("user", "invite", "--org", "acme", "--user", ann) == {"user_id": ann, "invited": True}
    first, second = [
        each for each in acme.lines("outbox", "list", "--org", "acme") if each["kind"] == "invitation"
    ]
    assert list(first) == ["errand_id", "created", "kind", "subject_id", "due", "attempts", "problem"]
    assert (first["subject_id"], first["attempts"], first["problem"]) == (ann, 0, None)
    assert acme.lines("outbox", "list", "--org", "acme", "--dead") == []
    assert acme.line("outbox", "retry", first["errand_id"], "--org", "acme") == {"retried": 1}
    assert acme.line("outbox", "drop", first["errand_id"], second["errand_id"], "--org", "acme") == {
        "dropped": 2
    }
    assert acme.line("outbox", "drop", "--all-dead", "--org", "acme") == {"dropped": 0}
    assert "invitation" not in acme.text("outbox", "list", "--org", "acme")


def test_which_errands_are_meant_must_be_said(acme: Shell) -> None:
    assert "no such errand" in acme.failure("outbox", "retry", "x", "--org", "acme")
    for words in ([], ["x", "--all-dead"]):
        assert "or --all-dead" in acme.failure("outbox", "drop", *words, "--org", "acme", code=2)
    assert "already_in_team" in acme.failure(
        "user", "invite", "--org", "acme", "--user", "olive@acme.example"
    )

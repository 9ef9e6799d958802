"""``rosterd workspace``, ``channel``, ``group`` and ``explain``, as an operator types them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from rosterd.actions import groups
from rosterd.actions.orgs import operator
from rosterd.directory.groups import GroupChange, Members
from rosterd.directory.model import Origin, UserId
from rosterd.store import orgs
from rosterd.store.engine import open_store
from tests.cli.shell import Shell

ORG = ("--org", "acme")


def gather(shell: Shell, name: str, *members: str) -> str:
    """The id of a new group, as SCIM makes them."""
    return asyncio.run(_gather(shell, name, members))


async def _gather(shell: Shell, name: str, members: Sequence[str]) -> str:
    store = await open_store(shell.url)
    async with store.write() as tx:
        org = await orgs.find(tx, "acme")
        assert org is not None
        change = GroupChange(display_name=name, members=Members(add=tuple(map(UserId, members))))
        made = await groups.create(tx, org, change, actor=operator(org.id, Origin("0")))
    await store.close()
    return made.id


def person(shell: Shell, name: str) -> str:
    return str(shell.line("user", "create", *ORG, "--email", f"{name}@acme.example")["user_id"])


def test_workspaces_are_created_and_listed(acme: Shell) -> None:
    made = acme.line("workspace", "create", *ORG, "--domain", "Sales", "--name", "The Sales")
    assert made == {
        "workspace_id": made["workspace_id"],
        "domain": "sales",
        "name": "The Sales",
        "description": "",
        "discoverability": "invite_only",
        "created": made["created"],
    }
    first, second = acme.lines("workspace", "list", *ORG)
    assert (first["domain"], first["members"]) == ("acme", 1)
    assert second == made | {"members": 0}
    assert "domain_taken" in acme.failure("workspace", "create", *ORG, "--domain", "sales", "--name", "x")
    assert "name_taken_in_org" in acme.failure(
        "workspace", "create", *ORG, "--domain", "sales2", "--name", "THE SALES"
    )
    assert "invalid_domain" in acme.failure("workspace", "create", *ORG, "--domain", "x" * 22)


def test_channels_are_created_and_listed(acme: Shell) -> None:
    sales = acme.line("workspace", "create", *ORG, "--domain", "sales")["workspace_id"]
    made = acme.line("channel", "create", *ORG, "--name", "#Deals", "--workspace", "sales", "--default")
    assert made == {
        "channel_id": made["channel_id"],
        "name": "deals",
        "private": False,
        "archived": False,
        "org_wide": False,
        "workspace_ids": [sales],
        "default_in": [sales],
        "created": made["created"],
    }
    everywhere = acme.line("channel", "create", *ORG, "--name", "news", "--org-wide")
    assert len(everywhere["workspace_ids"]) == 2
    secret = acme.line("channel", "create", *ORG, "--name", "secret", "--workspace", sales, "--private")
    assert secret["private"] is True
    names = [channel["name"] for channel in acme.lines("channel", "list", *ORG, "--workspace", "sales")]
    assert names == ["general", "deals", "news", "secret"]
    assert len(acme.lines("channel", "list", *ORG)) == 5
    assert "name_taken" in acme.failure("channel", "create", *ORG, "--name", "deals", "--workspace", "sales")
    assert "no_such_team" in acme.failure("channel", "create", *ORG, "--name", "x", "--workspace", "nowhere")
    assert "team_not_given" in acme.failure("channel", "create", *ORG, "--name", "x")


def test_where_there_is_one_workspace_it_need_not_be_named(shell: Shell) -> None:
    shell.line(
        "org", "create", "--name", "Small", "--domain", "small", "--plan", "business_plus",
        "--owner-email", "o@small.example",
    )  # fmt: skip
    assert shell.line("channel", "create", "--org", "small", "--name", "deals")["workspace_ids"]
    assert "feature_not_enabled" in shell.failure("workspace", "create", "--org", "small", "--domain", "x")


def story(acme: Shell) -> dict[str, str]:
    """Two workspaces, two channels and a group with ann in it."""
    ids = {"ann": person(acme, "ann"), "bob": person(acme, "bob")}
    for domain in ("sales", "labs"):
        made = acme.line("workspace", "create", *ORG, "--domain", domain, "--name", domain.title())
        ids[domain] = made["workspace_id"]
    for name, *more in (("deals",), ("secret", "--private")):
        made = acme.line("channel", "create", *ORG, "--name", name, "--workspace", "sales", *more)
        ids[name] = made["channel_id"]
    ids["crew"] = gather(acme, "Crew", ids["ann"])
    return ids


def test_a_group_is_connected_and_disconnected(acme: Shell) -> None:
    ids = story(acme)
    crew = (*ORG, "--group", "crew")
    shown: dict[str, Any] = {
        "group_id": ids["crew"],
        "name": "Crew",
        "workspaces": [{"workspace_id": ids["sales"], "required": True, "auto_provision": True}],
        "channel_ids": [],
        "allowlist_channel_ids": [],
    }
    assert acme.line("group", "connect", *crew, "--workspace", "sales") == shown
    optional = {"workspace_id": ids["labs"], "required": False, "auto_provision": False}
    acme.line("group", "connect", *crew, "--workspace", ids["labs"], "--not-required", "--no-auto-provision")
    acme.line("group", "connect", *crew, "--channel", "#deals")
    acme.line("group", "connect", *ORG, "--group", ids["crew"], "--allowlist", ids["secret"])
    [listed] = acme.lines("group", "list", *ORG)
    workspaces = sorted([*shown["workspaces"], optional], key=lambda each: str(each["workspace_id"]))
    assert listed == shown | {
        "workspaces": workspaces,
        "channel_ids": [ids["deals"]],
        "allowlist_channel_ids": [ids["secret"]],
        "members": 1,
    }
    acme.line("group", "disconnect", *crew, "--allowlist", "secret")
    acme.line("group", "disconnect", *crew, "--channel", "deals")
    assert acme.line("group", "disconnect", *crew, "--workspace", "sales")["workspaces"] == [optional]


def test_what_cannot_be_connected_is_said_in_a_sentence(acme: Shell) -> None:
    ids = story(acme)
    crew = (*ORG, "--group", "crew")
    cases: Sequence[tuple[tuple[str, ...], str]] = (
        ((*crew, "--channel", "deals"), "connect the group to a workspace that has the channel, first"),
        ((*crew, "--allowlist", "deals"), "only private channels have an allowlist"),
        ((*crew, "--channel", "nothing"), "see: rosterd channel list --org DOMAIN"),
        ((*crew, "--channel", "general"), "several channels are called so: name one by its id"),
        ((*crew, "--workspace", "nowhere"), "see: rosterd workspace list --org DOMAIN"),
        ((*ORG, "--group", "none", "--workspace", "sales"), "see: rosterd group list --org DOMAIN"),
    )
    for words, sentence in cases:
        assert acme.failure("group", "connect", *words).endswith(f": {sentence}")
    assert "not_connected" in acme.failure("group", "disconnect", *crew, "--workspace", ids["labs"])
    for words in (crew, (*crew, "--workspace", "sales", "--channel", "deals")):
        assert "say one of" in acme.failure("group", "connect", *words, code=2)


def test_explain_says_where_somebody_is_and_why(acme: Shell) -> None:
    ids = story(acme)
    crew = (*ORG, "--group", "crew")
    acme.line("group", "connect", *crew, "--workspace", "sales")
    acme.line("group", "connect", *crew, "--channel", "secret")
    acme.line("group", "connect", *crew, "--allowlist", "secret")
    acme.line("group", "connect", *crew, "--workspace", "labs", "--not-required", "--no-auto-provision")
    [general] = [
        channel["channel_id"]
        for channel in acme.lines("channel", "list", *ORG, "--workspace", "sales")
        if channel["name"] == "general"
    ]
    assert acme.text("explain", "ann@acme.example", *ORG).splitlines() == [
        f"ann <ann@acme.example> {ids['ann']}: invited",
        f"workspace “Sales” ({ids['sales']})",
        "  by the group “Crew” (required)",
        f"channel #general ({general})",
        "  as a default channel of the workspace “Sales”",
        f"channel #secret ({ids['secret']})",
        "  by the group “Crew”",
        "  allowed by the group “Crew”",
        f"not in workspace “Labs” ({ids['labs']})",
        "  the group “Crew” leads there, but it puts nobody there by itself: they, or an administrator, may",
    ]
    whole = acme.line("explain", ids["ann"], *ORG, "--json")
    assert whole["status"] == "invited"
    assert whole["absences"] == [
        {
            "place_id": ids["labs"],
            "name": "Labs",
            "group": {"id": ids["crew"], "display_name": "Crew"},
            "why": "not_at_once",
        }
    ]
    assert acme.text("explain", "bob@acme.example", *ORG).splitlines() == [
        f"bob <bob@acme.example> {ids['bob']}: invited",
        "in no workspace and no channel",
    ]
    assert "no_such_user" in acme.failure("explain", "nobody@acme.example", *ORG)

"""Slack's table, and what an operator's document makes of it."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from rosterd.ratelimit.limits import ALL, MOST, SLACK, WEB_API, Limit, spends
from rosterd.ratelimit.table import BadTable, parse


@pytest.mark.parametrize(
    ("method", "path", "names"),
    [
        ("GET", "Users", ["reads"]),
        ("GET", "Groups", ["reads"]),
        ("GET", "Schemas/Users", ["reads"]),
        ("GET", "Users/W1", ["reads", "get_user"]),
        ("HEAD", "Users/W1", ["reads", "get_user"]),
        ("POST", "Users", ["writes", "create_user"]),
        ("PUT", "Users/W1", ["writes", "change_user"]),
        ("PATCH", "Users/W1", ["writes", "change_user"]),
        ("DELETE", "Users/W1", ["writes", "delete_user"]),
        ("GET", "Groups/S1", ["reads", "get_group"]),
        ("POST", "Groups", ["writes", "create_group"]),
        ("PUT", "Groups/S1", ["writes", "change_group"]),
        ("PATCH", "Groups/S1", ["writes", "change_group"]),
        ("DELETE", "Groups/S1", ["writes", "delete_group"]),
        ("POST", "Users/W1/more", ["writes"]),
        ("BREW", "Users/W1", ["writes"]),
        ("POST", "", ["writes"]),
    ],
)
def test_a_request_spends_from_the_organisation_and_from_its_own_limit(
    method: str, path: str, names: list[str]
) -> None:
    assert list(spends(method, tuple(filter(None, path.split("/"))))) == names


def test_the_table_is_slacks() -> None:
    """Slack, *SCIM API rate limits*."""
    assert {name: (limit.per_minute, limit.burst) for name, limit in SLACK.items()} == {
        "writes": (600, 180),
        "reads": (1000, 1000),
        "get_user": (300, 300),
        "create_user": (180, 20),
        "change_user": (180, 20),
        "delete_user": (180, 20),
        "get_group": (300, 300),
        "create_group": (180, 20),
        "change_group": (180, 80),
        "delete_group": (180, 20),
    }


def parsed(text: str) -> Any:
    return parse(tomllib.loads(text))


def test_the_tiers_have_the_rates_that_slack_names() -> None:
    """Slack, *Rate limits*: "1+ per minute", "20+", "50+", "100+", and one message a second in a channel."""
    assert {name: limit.per_minute for name, limit in WEB_API.items()} == {
        "tier_1": 1,
        "tier_2": 20,
        "tier_3": 50,
        "tier_4": 100,
        "auth_test": 600,
        "post_message": 60,
        "audit": 50,
    }


def test_nothing_said_is_slacks_table() -> None:
    assert parsed("").of("E1", "acme") == ALL


def test_locks_can_be_lifted() -> None:
    assert parsed("").locks
    assert not parsed("locks = false").locks


def test_a_limit_changes_for_all_and_for_one() -> None:
    table = parsed("""
        [limits.writes]
        per_minute = 100000000
        burst = 100000000
        [orgs.acme.writes]
        burst = 7
        [orgs.E2.reads]
        per_minute = 1
    """)
    assert table.of("E1", "acme")["writes"] == Limit("writes", MOST, 7)
    assert table.of("E1", "other")["writes"] == Limit("writes", MOST, MOST)
    assert table.of("E2", "other")["reads"] == Limit("reads", 1, 1000)
    assert table.of("E2", "acme")["reads"] == Limit("reads", 1, 1000)  # the id wins


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[limit.writes]", "no such table: limit; there are limits, orgs and locks"),
        ("[limits.write]", "limits: no such limit: write; there are writes, reads, get_user, create_user"),
        ("[orgs.acme.write]", "orgs.acme: no such limit: write; there are"),
        ("[limits.writes]\nrate = 1", "limits.writes: no such key: rate; there are per_minute and burst"),
        ("[limits.writes]\nburst = 0", "limits.writes.burst: 0 is not a whole number from 1 to 100000000"),
        ("[limits.writes]\nburst = 100000001", "100000001 is not a whole number"),
        ("[limits.writes]\nburst = 1.5", "1.5 is not a whole number"),
        ("[limits.writes]\nburst = true", "True is not a whole number"),
        ("[limits.writes]\nburst = '9'", "'9' is not a whole number"),
        ("limits = 5", "limits: 5 is not a table"),
        ("locks = 0", "locks: 0 is neither true nor false"),
        ("[limits]\nwrites = 5", "limits.writes: 5 is not a table"),
        ("[orgs]\nacme = 5", "orgs.acme: 5 is not a table"),
    ],
)
def test_a_document_that_is_no_table_says_where(text: str, words: str) -> None:
    with pytest.raises(BadTable) as caught:
        parsed(text)
    assert words in str(caught.value)

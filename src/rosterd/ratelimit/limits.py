"""Slack's limits as a table, and which of them a SCIM request spends from.

Those of SCIM count for an organisation as a whole: all its apps, in both versions of the protocol. PUT and
PATCH of one kind share a limit. Lists, and all that has no limit of its own, spend from the organisation's
alone. Those of the Web API are tiers that methods belong to; who counts there is the caller's to say.

Source: Slack's pages *SCIM API rate limits* and *Rate limits* (of the Web API).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

READS = "reads"
WRITES = "writes"


@dataclass(frozen=True, slots=True)
class Limit:
    """``per_minute`` and ``burst``: whole numbers from 1 to `MOST`."""

    name: str
    per_minute: int
    burst: int


MOST = 100_000_000
"""The highest number in a limit: a full bucket still is a whole number that every language holds exactly."""

Limits = Mapping[str, Limit]

SLACK: Limits = {
    limit.name: limit
    for limit in (
        Limit(WRITES, 600, 180),
        Limit(READS, 1000, 1000),
        Limit("get_user", 300, 300),
        Limit("create_user", 180, 20),
        Limit("change_user", 180, 20),
        Limit("delete_user", 180, 20),
        Limit("get_group", 300, 300),
        Limit("create_group", 180, 20),
        Limit("change_group", 180, 80),
        Limit("delete_group", 180, 20),
    )
}

WEB_API: Limits = {
    limit.name: limit
    for limit in (
        Limit("tier_1", 1, 3),
        Limit("tier_2", 20, 20),
        Limit("tier_3", 50, 50),
        Limit("tier_4", 100, 100),
        Limit("auth_test", 600, 600),  # "hundreds of requests per minute"
        Limit("post_message", 60, 5),  # in one channel
        Limit("audit", 50, 50),
    )
}
"""The tiers, and what has a limit of its own. Slack names the rates; the bursts it only promises are ours."""

ALL: Limits = {**SLACK, **WEB_API}

# (method, path without the version; * is an id) → the limit besides the organisation's.
_OWN: Mapping[tuple[str, str], str] = {
    ("GET", "Users/*"): "get_user",
    ("HEAD", "Users/*"): "get_user",
    ("POST", "Users"): "create_user",
    ("PUT", "Users/*"): "change_user",
    ("PATCH", "Users/*"): "change_user",
    ("DELETE", "Users/*"): "delete_user",
    ("GET", "Groups/*"): "get_group",
    ("HEAD", "Groups/*"): "get_group",
    ("POST", "Groups"): "create_group",
    ("PUT", "Groups/*"): "change_group",
    ("PATCH", "Groups/*"): "change_group",
    ("DELETE", "Groups/*"): "delete_group",
}


def is_read(method: str) -> bool:
    """Whether a method reads; any other counts as a write, known or not."""
    return method in ("GET", "HEAD")


def spends(method: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the limits that a SCIM request spends from. ``path``: below the version.

    >>> spends("PATCH", ("Groups", "S1")), spends("GET", ("Users",))
    (('writes', 'change_group'), ('reads',))
    """
    own = _OWN.get((method, "/".join((path[0], "*") if len(path) == 2 else path)))
    whole = READS if is_read(method) else WRITES
    return (whole,) if own is None else (whole, own)

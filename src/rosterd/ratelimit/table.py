"""The limits that count here: Slack's, and over them what an operator says in a document.

The document, of TOML usually, names limits, for all or for one organisation by its domain or id. What it does
not say of a limit stays as it is for all::

    locks = false  # writes to one user or group take turns; without this line the second one is refused

    [limits.create_user]
    per_minute = 600
    burst = 100

    [orgs.acme.writes]
    burst = 1000
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rosterd.ratelimit.limits import ALL, MOST, Limit, Limits


class BadTable(Exception):
    """A document that is no table of limits; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Table:
    """The limits for all, and whole tables for organisations, by domain or id.

    ``locks``: whether one user or group has one write at a time.
    """

    limits: Limits
    orgs: Mapping[str, Limits]
    locks: bool = True

    def of(self, org_id: str, domain: str) -> Limits:
        """The limits of one organisation. Its id wins over its domain."""
        return self.orgs.get(org_id) or self.orgs.get(domain) or self.limits


def parse(document: Mapping[str, Any], known: Limits = ALL) -> Table:
    """The table that a document makes of the known limits. Raises `BadTable`.

    >>> table = parse({"limits": {"writes": {"burst": 200}}, "orgs": {"acme": {"reads": {"burst": 5}}}})
    >>> table.of("E1", "other")["writes"], table.of("E1", "acme")["writes"].burst
    (Limit(name='writes', per_minute=600, burst=200), 200)
    >>> table.of("E1", "acme")["reads"]
    Limit(name='reads', per_minute=1000, burst=5)
    """
    if wrong := sorted(set(document) - {"limits", "orgs", "locks"}):
        raise BadTable(f"no such table: {', '.join(wrong)}; there are limits, orgs and locks")
    locks = document.get("locks", True)
    if not isinstance(locks, bool):
        raise BadTable(f"locks: {locks!r} is neither true nor false")
    limits = _changed(known, document.get("limits", {}), "limits")
    orgs = _mapping(document.get("orgs", {}), "orgs")
    own = {name: _changed(limits, said, f"orgs.{name}") for name, said in orgs.items()}
    return Table(limits, own, locks)


def _changed(known: Limits, said: Any, where: str) -> Limits:
    changes = _mapping(said, where)
    if wrong := sorted(set(changes) - set(known)):
        raise BadTable(f"{where}: no such limit: {', '.join(wrong)}; there are {', '.join(known)}")
    return {**known, **{name: _limit(known[name], changes[name], f"{where}.{name}") for name in changes}}


def _limit(known: Limit, said: Any, where: str) -> Limit:
    numbers = {"per_minute": known.per_minute, "burst": known.burst}
    for name, value in _mapping(said, where).items():
        if name not in numbers:
            raise BadTable(f"{where}: no such key: {name}; there are per_minute and burst")
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
            raise BadTable(f"{where}.{name}: {value!r} is not a whole number from 1 to {MOST}")
        numbers[name] = value
    return Limit(known.name, **numbers)


def _mapping(said: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(said, Mapping):
        raise BadTable(f"{where}: {said!r} is not a table")
    return said

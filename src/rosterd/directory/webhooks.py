"""Webhooks: who is told of events, where, and where nobody may be made to knock.

What is sent has the form of Slack's Events API (*The Events API*, heading *Callback field overview*); the
event in it is an entry of the audit trail as Slack's Audit Logs API shows it (*Audit event*), with ids alone.
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

import msgspec

from rosterd.directory import trail
from rosterd.directory.errors import Invalid
from rosterd.directory.model import OrgId

MOST_WEBHOOKS = 20
"""How many an organisation may have."""

_URL_LENGTH = 2_000


class Webhook(msgspec.Struct, frozen=True):
    """A subscription to an organisation's events."""

    org_id: OrgId
    id: str  # H…
    url: str
    secret: str  # signs what is sent
    actions: tuple[str, ...]  # those of the audit trail that it wants to hear of, as shown; empty: all
    created: int  # microseconds
    removed: int | None = None  # seconds

    def wants(self, action: str, created: int) -> bool:
        """Whether it is to be told of an event of this time (microseconds): not of what was before it.

        >>> hook = Webhook(OrgId("E1"), "H1", "https://a.example", "s", ("user_created",), 7)
        >>> hook.wants("user_created", 7), hook.wants("user_deactivated", 7), hook.wants("user_created", 6)
        (True, False, False)
        """
        return created >= self.created and (not self.actions or action in self.actions)


def check_url(url: str) -> None:
    """Refuse what is no plain address of a web server: ``invalid_url``.

    A name and password in it, or a part after ``#``, have no place there. What its host resolves to is
    looked at with each delivery (see `is_public`).

    >>> check_url("https://hooks.example.com:8443/rosterd?team=a")
    >>> check_url("https://user:password@hooks.example.com/")
    Traceback (most recent call last):
    rosterd.directory.errors.Invalid: invalid_url
    """
    try:
        parts = urlsplit(url)
        sound = (
            len(url) <= _URL_LENGTH
            and url.isascii()
            and all(char.isprintable() and char not in ' "<>\\^`{|}' for char in url)
            and parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and "@" not in parts.netloc
            and "#" not in url
            and parts.port != 0
        )
    except ValueError:
        sound = False
    if not sound:
        raise Invalid("invalid_url")


def check_actions(actions: tuple[str, ...]) -> None:
    """Refuse what is no action of the audit trail: ``invalid_action``."""
    bad = next((action for action in actions if action not in trail.ACTIONS), None)
    if bad is not None:
        raise Invalid("invalid_action", action=bad[:80])


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to a machine of the Internet: not to this one, its network, or none.

    An IPv6 address that stands for an IPv4 address is what that one is. Sources: IANA's registries of
    special-purpose addresses; RFC 4291 §2.5.5 (mapped), RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo).

    >>> [is_public(ip) for ip in ("192.0.43.10", "2606:2800:21f:cb07::1")]
    [True, True]
    >>> [is_public(ip) for ip in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0")]
    [False, False, False, False, False]
    >>> [is_public(ip) for ip in ("::1", "::", "::ffff:127.0.0.1", "fe80::1", "fd00::1", "64:ff9b::a00:1")]
    [False, False, False, False, False, False]
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and (ip in _NAT64 or int(ip) < 1 << 32):  # the last: "compatible", long obsolete
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    refused = (
        ip.is_private, ip.is_loopback, ip.is_link_local, ip.is_multicast, ip.is_reserved, ip.is_unspecified,
        not ip.is_global,
    )  # fmt: skip
    return not any(refused)


def envelope(
    org: OrgId,
    id: str,
    seconds: int,
    action: str,
    actor: str,
    entity: tuple[str, str],
    details: dict[str, Any],
) -> dict[str, Any]:
    """What is sent of an event: its id, time, action, the ids of who did it and to whom, and its details.

    ``entity``: type and id. The id of an event is the same each time that it is sent.

    >>> sent = envelope(OrgId("E1"), "0197", 1, "user_created", "W1", ("user", "W2"), {})
    >>> sent["event"]["entity"], sent["enterprise_id"]
    ({'type': 'user', 'user': {'id': 'W2'}}, 'E1')
    """
    is_enterprise = org.startswith("E")
    kind, subject = entity
    return {
        "type": "event_callback",
        "event_id": id,
        "event_time": seconds,
        "enterprise_id" if is_enterprise else "team_id": org,
        "event": {
            "type": action,
            "id": id,
            "date_create": seconds,
            "action": action,
            "actor": {"type": "user", "user": {"id": actor}},
            "entity": {"type": kind, kind: {"id": subject}},
            "context": {"location": {"type": "enterprise" if is_enterprise else "workspace", "id": org}},
            "details": details,
        },
    }

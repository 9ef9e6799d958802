"""Passwords of local administrators: how an administrator gets in when nothing else lets anybody in.

Rules of this module:

1. Only whoever is at the command line of this server sets or removes one, and only administrators have one:
   it is gone with a deactivation and with the role (:mod:`rosterd.actions.users`).
2. Making and comparing hashes takes a tenth of a second and 64 MiB on purpose. :func:`hashed` and
   :func:`compared` belong into a thread, outside any transaction, a few at a time.
3. Who has no password, or is nobody, is compared with a hash that nothing matches: it takes as long.

Source: RFC 9106 §4 (the second recommended option, with one lane); OWASP Password Storage Cheat Sheet.
"""

from __future__ import annotations

import secrets
import unicodedata
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rosterd.actions import users
from rosterd.actions.doors import signin
from rosterd.actions.doors.signin import Entry
from rosterd.directory import signin as rules
from rosterd.directory.errors import NotAllowed, NotFound
from rosterd.directory.events import Event
from rosterd.directory.model import Actor, Org, Origin, User, UserId
from rosterd.directory.signin import Means
from rosterd.store import users as user_rows
from rosterd.store.doors import passwords as store
from rosterd.store.engine import Tx
from rosterd.store.records import audit

_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=1$vEwjNDegfT2pQvrzyFQ5GQ$RiLpXqxf2htfAcmtpGzx6/nQjkC64gs7qSmLuL+kBi4"
"""Looks like any other, and is of no password that anybody has chosen: its bytes are random."""

_LONGEST = 4 * rules.MAX_PASSWORD
"""Characters of one that may be somebody's: typed with its accents apart, a letter has up to four."""

_GROUPS, _LETTERS = 6, "abcdefghijkmnpqrstuvwxyz23456789"


class Claim(NamedTuple):
    """Whom a name at the door is, and the hash of their password; both None where there is none."""

    user_id: UserId | None
    hash: str | None


class Comparison(NamedTuple):
    """What came of comparing. ``renewed``: the hash to keep instead, where ours are made otherwise by now."""

    fits: bool
    renewed: str | None = None


def make() -> str:
    """A password that nobody guesses (118 bits), and that can be read to somebody over the telephone."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(_GROUPS))


def hashed(password: str) -> str:
    """What is stored of a password. Raises ``invalid_password``. Takes long: see rule 2."""
    rules.check_password(password)
    return _HASHER.hash(_normal(password))


def compared(password: str, hash: str | None) -> Comparison:
    """Whether this is the password of that hash; None: of nobody. Takes long: see rule 2."""
    if len(password) > _LONGEST:  # to put accents together takes the square of their number
        password, hash = "", None
    try:
        _HASHER.verify(hash or _NOBODYS, _normal(password))
    except (VerificationError, InvalidHashError):
        return Comparison(fits=False)
    if hash is None:
        return Comparison(fits=False)
    renewed = _HASHER.hash(_normal(password)) if _HASHER.check_needs_rehash(hash) else None
    return Comparison(fits=True, renewed=renewed)


async def set_password(tx: Tx, org: Org, user: User, hash: str, *, actor: Actor) -> None:
    """``user`` can sign in by the password of this hash, and by none before.

    Operators only. Raises ``not_an_admin`` and ``account_inactive``.
    """
    _check_operator(actor)
    user = await users.existing(tx, org.id, user.id)
    rules.check_may_have_password(user)
    await store.update(tx, org.id, user.id, hash)
    await audit.append(tx, [Event("local_password_set", "user", user.id)], actor)


async def remove_password(tx: Tx, org: Org, user: User, *, actor: Actor) -> None:
    """``user`` signs in as everybody else does. Operators only. Raises ``no_such_password``."""
    _check_operator(actor)
    user = await users.existing(tx, org.id, user.id)
    if not await store.remove(tx, org.id, user.id):
        raise NotFound("no_such_password", user=user.id)
    await audit.append(tx, [Event("local_password_removed", "user", user.id)], actor)


async def claimed(tx: Tx, org: Org, name: str) -> Claim:
    """Who is called so: by e-mail address or username, folded."""
    if "\0" in name or not name:
        return Claim(None, None)
    find = user_rows.find_by_email if "@" in name else user_rows.find_by_username
    user_id = await find(tx, org.id, name)
    found = None if user_id is None else await store.find(tx, org.id, user_id)
    return Claim(user_id, found.hash if found else None)


async def sign_in(
    tx: Tx, org: Org, claim: Claim, comparison: Comparison, *, key: bytes, origin: Origin
) -> Entry:
    """A session for whoever has given the password of ``claim``, which must still be theirs.

    Raises ``wrong_password``, and what :func:`rosterd.actions.doors.signin.sign_in` raises.
    """
    if claim.user_id is None or claim.hash is None or not comparison.fits:
        raise NotAllowed("wrong_password", user=claim.user_id or "")
    user = await users.existing(tx, org.id, claim.user_id)
    found = await store.find(tx, org.id, user.id)
    if found is None or found.hash != claim.hash:
        raise NotAllowed("wrong_password", user=user.id)
    rules.check_may_have_password(user)
    if comparison.renewed is not None:
        await store.update_hash(tx, org.id, user.id, comparison.renewed)
    return await signin.sign_in(tx, org, user.id, Means.LOCAL, key=key, origin=origin)


def _check_operator(actor: Actor) -> None:
    if not actor.is_operator:
        raise NotAllowed("permission_denied")


def _normal(password: str) -> bytes:
    """The same bytes, however a keyboard has put its accents together."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")

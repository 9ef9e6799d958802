"""What can be done to people: create, update, deactivate, give a role."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from rosterd.actions import consequences, profiles
from rosterd.directory import access, names, plans
from rosterd.directory import users as rules
from rosterd.directory.errands import Errand, Kind
from rosterd.directory.errors import (
    DirectoryError,
    Invalid,
    NotAllowed,
    NotFound,
    Taken,
)
from rosterd.directory.events import Event
from rosterd.directory.ids import NEARBY, number_at, slack_id
from rosterd.directory.model import Actor, Org, OrgId, Plan, Role, User, UserId
from rosterd.directory.users import UserChange
from rosterd.store import names as store_names
from rosterd.store import outbox, workspaces
from rosterd.store import users as store
from rosterd.store.belonging import places
from rosterd.store.belonging.places import WORKSPACE
from rosterd.store.doors import apps, passwords, sessions, tokens
from rosterd.store.engine import Tx
from rosterd.store.records import audit


async def existing(tx: Tx, org_id: OrgId, user_id: UserId) -> User:
    """The user to change, locked until the end of the transaction. Raises ``no_such_user``."""
    user = await store.find(tx, org_id, user_id, lock=True)
    if user is None:
        raise NotFound("no_such_user")
    return user


async def create(
    tx: Tx,
    org: Org,
    change: UserChange,
    *,
    role: Role = Role.MEMBER,
    claimed: bool = False,
    greeting: str = "",
    actor: Actor,
) -> User:
    """A new user. Raises ``email_taken``, ``username_taken`` and every error of a bad value.

    ``claimed``: as if they had signed in already (operators only). ``greeting``: for their invitation.
    """
    access.check_target(actor, role)
    if role is Role.PRIMARY_OWNER and await store.primary_owner(tx, org.id):
        raise Taken("primary_owner_exists")
    address = names.email_address(change.email or "")
    try:
        return await _settle(tx, org, change, address, role, claimed=claimed, greeting=greeting, actor=actor)
    except DirectoryError as error:
        # A person who is created again is told of the address, whatever else is wrong.
        if error.code != "email_taken":
            await _check_email_free(tx, org.id, address, change.username or "")
        raise


async def _settle(
    tx: Tx,
    org: Org,
    change: UserChange,
    address: str,
    role: Role,
    *,
    claimed: bool,
    greeting: str,
    actor: Actor,
) -> User:
    wanted = change.username or ""
    if change.guest is True:
        plans.check_guests(org.plan)
        role = Role.MULTI_CHANNEL_GUEST
    profile, refused = await profiles.new(tx, org, change)
    profile = rules.completed(profile, address)
    stem = _username_of(wanted)
    display_name = await _new_display_name(tx, org.id, change, stem)
    expires = _expiry_after(None, role, change)
    held: set[str] = set()
    for username in names.numbered(stem, held):
        shown = display_name or username
        user = User(
            org_id=org.id,
            id=_new_id(tx, org),
            created=tx.now,
            username=username,
            email=address,
            display_name=shown,
            role=role,
            deactivated=change.active is False,
            date_claimed=tx.now // 1_000_000 if claimed else None,
            guest_expires=expires,
            erased=False,
            profile=rules.named(profile, shown),
        )
        user, taken = await _insert(tx, org, user, refused, greeting, actor)
        if taken is None:
            if org.plan is not Plan.ENTERPRISE and user.role is not Role.BOT:
                await _welcome(tx, org, user, actor=actor)
            return user
        if taken != "username" or "@" not in wanted:
            raise await _refusal(tx, user, taken, wanted)
        held |= await store_names.like(tx, org.id, stem[:17])  # what a number of four digits leaves
    raise Invalid("truncation_error", user=stem)


async def _welcome(tx: Tx, org: Org, user: User, *, actor: Actor) -> None:
    """Outside Enterprise everybody is in the one workspace, once they are active."""
    if user.deactivated:
        await places.remember(tx, org.id, user.id, org.team_id)
    else:
        await consequences.put(tx, WORKSPACE, org.id, org.team_id, [user.id], quietly=True, actor=actor)


FOREVER = 2**62
"""A time that never comes, in seconds."""

_DRAWS = 4
"""How many ids are tried for a new person: that one is in use is rare, and that four are does not happen."""


async def _insert(
    tx: Tx, org: Org, user: User, refused: Invalid | None, greeting: str, actor: Actor
) -> tuple[User, store.Taken | None]:
    """Store a new person, under another id if theirs is in use. Says what is taken, if anything is."""
    for _ in range(_DRAWS):
        trail = audit.entries(tx.now, rules.events_of_creation(user, refused), actor)
        if rules.is_invited(user):
            errand = Errand(Kind.INVITATION, user.id, {"text": greeting} if greeting else {})
            trail.append(outbox.entry(tx.now, org.id, errand))
        taken = await store.insert_whole(tx, user, sorted(_addresses(user)), trail)
        if taken != "id":
            return user, taken
        await store_names.remove(tx, org.id, user.username)  # it was taken for that id
        user = msgspec.structs.replace(user, id=_new_id(tx, org))
    return user, "id"


def _new_id(tx: Tx, org: Org) -> UserId:
    number = number_at(tx.now, secrets.randbelow(NEARBY))
    return UserId(slack_id(plans.RULES[org.plan].user_prefix, number))


async def _new_display_name(tx: Tx, org_id: OrgId, change: UserChange, username: str) -> str:
    try:
        return names.display_name(change.display_name or "", username=username)
    except Invalid:
        # A username that is taken is told of first.
        if "@" not in (change.username or "") and await store_names.kind_of(tx, org_id, username):
            raise await _username_taken(tx, org_id, username) from None
        raise


async def _refusal(tx: Tx, user: User, taken: str, wanted: str) -> DirectoryError:
    """Why a new user cannot be: of what was ``taken`` somebody else has it."""
    if taken == "username":
        return await _username_taken(tx, user.org_id, user.username)
    for address in sorted(_addresses(user)):
        holder = await store.find_by_email(tx, user.org_id, address)
        if holder not in (None, user.id):
            return Taken("email_taken", user=_shown_name(wanted), existing_user=holder)
    return Taken("user_creation_failed", user=user.username)


async def update(tx: Tx, org: Org, user: User, change: UserChange, *, actor: Actor) -> User:
    """``user`` (from :func:`existing`) changed; the same value, and no event, if nothing differs."""
    rules.check_changeable(actor, user)
    role = rules.role_after(org, user, change.guest)
    await _check_guestable(tx, user, role)
    deactivated = _deactivated_after(user, role, change)
    expires = _expiry_after(user, role, change)
    is_back = user.deactivated and not deactivated
    if is_back and change.guest_expires is UNSET and rules.has_expired(user, tx.now // 1_000_000):
        expires = None  # else they would be gone again within the hour
    username, email = await _username_after(tx, user, change), _email_after(user, change)
    desired = msgspec.structs.replace(
        user,
        role=role,
        username=username,
        email=email,
        display_name=_display_name_after(org, user, change),
        deactivated=deactivated,
        guest_expires=expires,
        profile=await profiles.after(tx, org, user, email, change),
    )
    await write(tx, user, desired, rules.events_of_change(user, desired), actor=actor)
    return desired


async def deactivate(tx: Tx, org: Org, user: User, *, actor: Actor) -> User:
    """``user`` deactivated; one who is already stays as they are."""
    return await update(tx, org, user, UserChange(active=False), actor=actor)


async def set_role(tx: Tx, org: Org, user: User, role: Role, *, actor: Actor) -> User:
    """``user`` with another role. The primary owner hands over: the one before becomes an owner."""
    rules.check_changeable(actor, user)
    if role in access.beyond(actor):
        raise NotAllowed("permission_denied")
    if user.role is Role.PRIMARY_OWNER and role is not Role.PRIMARY_OWNER:
        raise NotAllowed("cannot_modify_owner")
    if role is Role.PRIMARY_OWNER and user.deactivated:
        raise NotAllowed("account_inactive", user=user.username)
    if role is Role.PRIMARY_OWNER and (former_id := await store.primary_owner(tx, org.id)):
        if former_id == user.id:
            return user
        former = await existing(tx, org.id, former_id)
        lesser = msgspec.structs.replace(former, role=Role.OWNER)
        await write(tx, former, lesser, rules.events_of_change(former, lesser), actor=actor)
    await _check_guestable(tx, user, role)
    expires = user.guest_expires if role.is_guest else None
    desired = msgspec.structs.replace(user, role=role, guest_expires=expires)
    await write(tx, user, desired, rules.events_of_change(user, desired), actor=actor)
    return desired


async def _check_guestable(tx: Tx, user: User, role: Role) -> None:
    """Refuse to make a guest of whoever runs a workspace."""
    if role.is_guest and not user.role.is_guest and await workspaces.roles_of(tx, user.org_id, user.id):
        raise NotAllowed("cannot_make_user_guest")


async def write(tx: Tx, before: User, after: User, events: Iterable[Event], *, actor: Actor) -> None:
    """The row, the addresses and the name of ``after``, and what follows from a deactivation.

    For other actions on people: whoever calls has locked them, and asked whether it may be.
    """
    if after == before:
        return
    await store.update(tx, after)
    if after.username != before.username:
        await store_names.remove(tx, before.org_id, before.username)
    had, has = _addresses(before), _addresses(after)
    for address in had - has:
        await store.remove_email(tx, after.org_id, address, after.id)
    await _claim_emails(tx, after, has - had, shown=after.username)
    if after.email != before.email:  # a link that is on its way to the address before leads nobody in
        await sessions.remove_links(tx, after.org_id, after.id, before=FOREVER)
    if access.may_administer(before.role) and (after.deactivated or not access.may_administer(after.role)):
        await passwords.remove(tx, after.org_id, after.id)
    if after.deactivated and not before.deactivated:
        await _shut_out(tx, after)
    if before.deactivated and rules.is_invited(after):
        await outbox.add(tx, after.org_id, [Errand(Kind.INVITATION, after.id)])
    await audit.append(tx, events, actor)
    if after.deactivated and not before.deactivated:
        await consequences.suspend(tx, after.org_id, after.id, actor=actor)
    elif before.deactivated and not after.deactivated:
        await consequences.restore(tx, after.org_id, after.id, actor=actor)
    elif before.role.is_guest and not after.role.is_guest and not after.deactivated:
        await consequences.promote(tx, after.org_id, after.id, before.role, actor=actor)
    if after.erased:
        await places.forget(tx, after.org_id, after.id)


async def _shut_out(tx: Tx, user: User) -> None:
    """End for good all that lets somebody in: tokens, sessions, links, and codes that become tokens."""
    now = tx.now // 1_000_000
    await tokens.revoke_of_user(tx, user.org_id, user.id, now)
    await sessions.revoke_of_user(tx, user.org_id, user.id, now)
    await sessions.remove_links(tx, user.org_id, user.id, before=FOREVER)
    await apps.remove_codes(tx, user.org_id, user.id)


def _addresses(user: User) -> set[str]:
    both = (user.email, user.profile.secondary_email)
    return {names.account_key(address) for address in both if address}


async def _claim_emails(tx: Tx, user: User, addresses: Iterable[str], *, shown: str) -> None:
    for address in sorted(addresses):
        if not await store.add_email(tx, user.org_id, address, user.id):
            raise await _email_taken(tx, user.org_id, address, shown)


async def _check_email_free(tx: Tx, org_id: OrgId, address: str, wanted: str) -> None:
    if await store.find_by_email(tx, org_id, names.account_key(address)) is not None:
        raise await _email_taken(tx, org_id, names.account_key(address), _shown_name(wanted))


async def _email_taken(tx: Tx, org_id: OrgId, address: str, username: str) -> Taken:
    holder = await store.find_by_email(tx, org_id, address)
    return Taken("email_taken", user=username, existing_user=holder or "")


def _shown_name(wanted: str) -> str:
    try:
        return _username_of(wanted)
    except Invalid:
        return wanted[: names.USERNAME_LENGTH]


def _username_of(wanted: str) -> str:
    return names.username_of_email(wanted) if "@" in wanted else names.username_of(wanted)


async def _claim_username(tx: Tx, org_id: OrgId, wanted: str, user_id: UserId) -> str:
    """Take the username that ``wanted`` becomes. One made from an e-mail address gets a number."""
    if "@" not in wanted:
        name = names.username_of(wanted)
        if await store_names.add(tx, org_id, name, "user", user_id):
            return name
        raise await _username_taken(tx, org_id, name)
    stem = names.username_of_email(wanted)
    if await store_names.add(tx, org_id, stem, "user", user_id):
        return stem
    held = await store_names.like(tx, org_id, stem[:17])  # what a number of four digits leaves
    for name in names.numbered(stem, held | {stem}):
        if await store_names.add(tx, org_id, name, "user", user_id):
            return name
    raise Invalid("truncation_error", user=stem)


async def _username_taken(tx: Tx, org_id: OrgId, name: str) -> DirectoryError:
    if await store_names.kind_of(tx, org_id, name) == "reserved":
        return Invalid("username_not_allowed", user=name)
    return Taken("username_taken", user=name)


async def _username_after(tx: Tx, user: User, change: UserChange) -> str:
    wanted = change.username
    if wanted is UNSET:
        return user.username
    if "@" in wanted:
        if names.is_numbered(user.username, names.username_of_email(wanted)):
            return user.username
    elif names.username_of(wanted) == user.username:
        return user.username
    return await _claim_username(tx, user.org_id, wanted, user.id)


def _email_after(user: User, change: UserChange) -> str:
    if change.email is UNSET or change.email == user.email:
        return user.email
    return names.email_address(change.email)


def _display_name_after(org: Org, user: User, change: UserChange) -> str:
    if change.display_name is UNSET or change.display_name == user.display_name:
        return user.display_name
    desired = names.display_name(change.display_name, username=user.username)
    if not desired and org.display_name_change:
        return user.display_name  # a PUT that is silent about it
    rules.check_display_name_change(org, user, desired)
    return desired


def _deactivated_after(user: User, role: Role, change: UserChange) -> bool:
    if change.active is UNSET:
        # Slack: a conversion to guest or to full member reactivates.
        return user.deactivated and role is user.role
    if not change.active and not user.deactivated:
        rules.check_deactivatable(user)
    return not change.active


def _expiry_after(user: User | None, role: Role, change: UserChange) -> int | None:
    if role is not Role.MULTI_CHANNEL_GUEST:
        if isinstance(change.guest_expires, int):
            raise Invalid("improper_enterprise_schema_format")
        return user.guest_expires if user and role.is_guest else None
    if change.guest_expires is UNSET:
        return user.guest_expires if user else None
    return change.guest_expires

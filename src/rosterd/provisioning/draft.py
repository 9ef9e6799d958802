"""A user while a request is read: the fields as the operations so far leave them.

Rules of this module: a draft starts from a user (PATCH), from a user with everything blanked that
a PUT blanks, or from nothing (POST); attribute writers only assign to it; :meth:`Draft.change`
says what is different in the end.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from rosterd.directory.errors import Invalid
from rosterd.directory.model import Profile, User
from rosterd.directory.names import USERNAME_LENGTH
from rosterd.directory.users import CUSTOM_FIELDS, UserChange

_PROFILE_FIELDS = tuple(field.name for field in msgspec.structs.fields(Profile))
_BLANK = msgspec.structs.asdict(Profile())

PUT_BLANKS = {
    "title": "",
    "timezone": _BLANK["timezone"],
    "photo": None,
    "secondary_email": None,
    **{name: None for name in CUSTOM_FIELDS if name != "manager_id"},
}
"""What PUT resets where the body is silent (*overwriting all values even if not provided*).

A person's names stay (Slack's own example keeps them), and so do ``active``, guest status and
``profileUrl``.
"""


class Draft:
    """The fields of `Profile`, and beside them those of `UserChange` that are no profile field."""

    __slots__ = (
        "active",
        "display_name",
        "email",
        "existing",
        "guest",
        "guest_expires",
        "manager",
        "nickname",
        "profile",
        "refused_profile",
        "username",
        "without_email",
    )

    def __init__(self, existing: User | None) -> None:
        self.existing = existing
        self.profile: dict[str, Any] = dict(_BLANK)
        self.username: str | UnsetType = UNSET
        self.nickname: str | UnsetType = UNSET
        self.email: str | None = None
        self.display_name: str = ""
        self.active: bool | UnsetType = UNSET
        self.guest: bool | UnsetType = UNSET
        self.guest_expires: int | None | UnsetType = UNSET
        self.manager: str | None | UnsetType = UNSET
        self.refused_profile: Invalid | None = None
        self.without_email = "email_empty"  # what is wrong if no primary address is left
        if existing is not None:
            self.profile = {name: getattr(existing.profile, name) for name in _PROFILE_FIELDS}
            self.email = existing.email
            self.without_email = "missing_primary_email"
            self.display_name = existing.display_name

    @classmethod
    def of_put(cls, existing: User) -> Draft:
        """A draft with everything blank that PUT overwrites."""
        draft = cls(existing)
        had_start_date = draft.profile["start_date"] is not None
        draft.profile.update(PUT_BLANKS)
        draft.profile["start_date"] = "" if had_start_date else None
        draft.display_name = ""
        draft.email = None
        draft.without_email = "email_empty"
        draft.manager = None
        return draft

    def change(self) -> UserChange:
        """What the operations amount to.

        Raises `Invalid`: ``missing_primary_email``, ``username_empty``, ``long_nickname``.
        """
        if self.email is None:
            raise Invalid(self.without_email)
        return UserChange(
            username=self._username(),
            email=self.email,
            display_name=self.display_name,
            active=self.active,
            guest=self.guest,
            guest_expires=self.guest_expires,
            manager=self.manager,
            profile=Profile(**self.profile),
            refused_profile=self.refused_profile,
        )

    def drop_custom(self, reason: Invalid) -> None:
        """Forget every custom profile field: one of them was invalid (POST only)."""
        self.refused_profile = reason
        self.manager = UNSET

    def _username(self) -> str | UnsetType:
        # Slack: userName and nickName update each other; where both are sent, userName wins.
        if self.username is not UNSET or self.nickname is UNSET:
            return self.username
        if not self.nickname.strip():
            raise Invalid("username_empty")  # Slack: nickName cannot be empty
        if "@" not in self.nickname and len(self.nickname) > USERNAME_LENGTH:
            raise Invalid("long_nickname", user=self.nickname[:80])
        return self.nickname

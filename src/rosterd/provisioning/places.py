"""Where a user's resource says that things are: itself, the profile page, the default picture."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from rosterd.provisioning.slots import default_photo
from rosterd.scim.dialect import Dialect


class Links(Protocol):
    """Each is something that JSON shows as a text."""

    def location(self, user_id: str, dialect: Dialect, /) -> Any: ...

    def profile_url(self, username: str, /) -> Any: ...

    def photo_url(self, user_id: str, /) -> Any: ...


class Site(msgspec.Struct, frozen=True):
    """`Links` to a place: the base URL, and the organisation's domain below it."""

    base_url: str  # without a slash at the end
    domain: str

    @property
    def home(self) -> str:
        return f"{self.base_url}/{self.domain}"

    def location(self, user_id: str, dialect: Dialect) -> str:
        return f"{self.base_url}/scim/{dialect.name}/Users/{user_id}"

    def profile_url(self, username: str) -> str:
        return self.home + self.profile_path(username)

    def photo_url(self, user_id: str) -> str:
        return self.home + self.photo_path(user_id)

    @staticmethod
    def profile_path(username: str) -> str:
        """Where a person's profile is, below ``home``."""
        return f"/team/{username}"

    @staticmethod
    def photo_path(user_id: str) -> str:
        """Where a person's default picture is, below ``home``."""
        return default_photo(user_id)

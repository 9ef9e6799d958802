"""What can be wrong, in Slack's words. Codes and data, no prose and no HTTP.

``code`` is the error's name in Slack's SCIM API reference (heading *Errors*); how it travels is
decided in :mod:`rosterd.web.errors`.
"""

from __future__ import annotations

from collections.abc import Iterable


class DirectoryError(Exception):
    """A rule of the directory refused. ``data`` names what it refused, in the order to show it."""

    def __init__(self, code: str, **data: str) -> None:
        super().__init__(code)
        self.code = code
        self.data = data

    def __str__(self) -> str:
        """The code with what it is about, as on Slack's wire.

        >>> str(Taken("email_taken", user="ann", existing_user="U1"))
        'email_taken (user=ann, existing_user=U1)'
        """
        shown = ", ".join(f"{name}={value}" for name, value in self.data.items() if value)
        return f"{self.code} ({shown})" if shown else self.code


class Invalid(DirectoryError):
    """A value that cannot be stored."""


class InvalidProfile(Invalid):
    """A value of a custom profile field that cannot be stored: at creation it costs the profile."""


class NotAllowed(DirectoryError):
    """The actor may not do this to this target."""


class NotFound(DirectoryError):
    """There is no such user or group in this organisation."""


class Taken(DirectoryError):
    """Another user or group holds that name or e-mail address."""


class LimitReached(DirectoryError):
    """More than an organisation or a group may hold."""


def no_such_members(ids: Iterable[str]) -> Invalid:
    """Members that are not users of this organisation, named in the error.

    >>> no_such_members(["U2", "U1"]).data
    {'user': 'U1,U2'}
    """
    return Invalid("no_such_group_members", user=",".join(sorted(ids)))

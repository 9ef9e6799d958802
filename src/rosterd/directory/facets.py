"""What people are found and counted by in the Org Dashboard."""

from __future__ import annotations

from enum import StrEnum


class Facet(StrEnum):
    """Something that is true of a person, with a value."""

    STATUS = "status"  # a Status
    ROLE = "role"  # a Role
    DEPARTMENT = "department"
    TITLE = "title"
    DIVISION = "division"
    MANAGER = "manager"  # a user's id
    SOURCE = "source"  # who created them: a connector, or what of ours
    WORKSPACE = "workspace"  # T…
    GROUP = "group"  # S…
    WORD = "word"  # of their names, username and addresses, folded


class Sort(StrEnum):
    """The orders in which people can be listed."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"
    NAME_DOWN = "-name"
    USERNAME = "username"
    USERNAME_DOWN = "-username"

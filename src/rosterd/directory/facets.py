"""What people are found and counted by in the Org Dashboard.

Rules of this module:

1. What is empty is no fact. A value is cut to `VALUE_LENGTH`: no index takes longer ones.
2. Words are compared folded, and by their beginnings. So of two words of a person, one of which begins with
   the other, the longer one is enough.
3. A text is split into words at white space. A word with punctuation inside is found whole and by its parts:
   an address by its local part, ``Jean-Luc`` as Luc.
4. Nothing is said of whoever was forgotten but that they are there. Bots are nobody here.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import pairwise

import msgspec

from rosterd.directory.model import Role, Status
from rosterd.directory.names import folded


class Facet(StrEnum):
    """Something that is true of a person, with a value."""

    STATUS = "status"  # a Status
    ROLE = "role"  # a Role
    DEPARTMENT = "department"
    TITLE = "title"
    DIVISION = "division"
    MANAGER = "manager"  # a user's id
    SOURCE = "source"  # who created them: one of rosterd.directory.connectors.LABELS
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


VALUE_LENGTH = 200
WORD_LENGTH = 64
TEXT_LENGTH = 256
"""Characters of a name in which words are looked for: folding takes the square of the accents on a letter."""
MOST_WORDS = 16
"""Of one person."""
MOST_ASKED = 8
"""Words of one search."""

Fact = tuple[Facet, str]


class About(msgspec.Struct, frozen=True, kw_only=True):
    """A person, as far as facts follow from it."""

    status: Status
    role: Role
    erased: bool = False
    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    department: str = ""
    title: str = ""
    division: str = ""
    manager: str = ""
    source: str = ""
    workspaces: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def facts(person: About) -> list[Fact]:
    """What is true of a person, in order of field and value.

    >>> ann = About(status=Status.ACTIVE, role=Role.MEMBER, names=("Ann Lee",), title=" CTO ")
    >>> [f"{field}: {value}" for field, value in facts(ann)]
    ['role: member', 'status: active', 'title: CTO', 'word: ann', 'word: lee']
    """
    if person.role is Role.BOT:
        return []
    found: set[Fact] = {(Facet.STATUS, person.status), (Facet.ROLE, person.role)}
    found |= {(Facet.WORKSPACE, team) for team in person.workspaces}
    found |= {(Facet.GROUP, group) for group in person.groups}
    texts = [(Facet.SOURCE, person.source)]
    if not person.erased:
        texts += (
            (Facet.DEPARTMENT, person.department),
            (Facet.TITLE, person.title),
            (Facet.DIVISION, person.division),
            (Facet.MANAGER, person.manager),
        )
        found |= {(Facet.WORD, word) for word in words(person.names, person.emails)}
    found |= {(field, value) for field, text in texts if (value := valued(text))}
    return sorted(found)


def valued(text: str) -> str:
    """A text as the value of a facet.

    >>> valued("  Backend Engineer "), len(valued("x" * 1000))
    ('Backend Engineer', 200)
    """
    return text.strip()[:VALUE_LENGTH].rstrip()


def words(names: Iterable[str], emails: Iterable[str]) -> list[str]:
    """The words that somebody with these names and addresses is found by, in order.

    >>> words(["Ann-Marie O'Neill", "annm"], ["Ann.Marie@acme.example"])
    ['ann-marie', 'ann.marie@acme.example', 'annm', 'marie', 'neill', "o'neill"]
    """
    found: dict[str, None] = {}
    for text in names:
        for token in _tokens(text):
            if token not in found:
                found |= dict.fromkeys((token, *_parts(token)))
    for address in emails:
        for token in _tokens(address):
            found |= dict.fromkeys((token, *_parts(token.partition("@")[0])))
    return sorted(list(_longest(found))[:MOST_WORDS])


def asked(text: str) -> tuple[str, ...]:
    """The beginnings of words that a search for ``text`` is about: whoever is found has a word for each.

    >>> asked(" Lee,  ANN an"), asked("ann.lee@"), asked("...")
    (('ann', 'lee'), ('ann.lee@',), ())
    """
    found = dict.fromkeys(_tokens(text.replace("\0", " ")))
    return tuple(sorted(list(_longest(found))[:MOST_ASKED]))


def _tokens(text: str) -> Iterator[str]:
    for token in folded(text[:TEXT_LENGTH]).split():
        # "Jr." and "ann.": what ends a word may be the middle of an address that is not yet typed to its end.
        word = token.lstrip(_PUNCTUATION).rstrip(_CLOSING)[:WORD_LENGTH]
        if word:
            yield word


def _parts(token: str) -> Iterator[str]:
    return iter(()) if token.isalnum() else filter(None, _INSIDE.split(token))


def _longest(found: Iterable[str]) -> Iterator[str]:
    """Words with which no other one begins, in the order given."""
    given = list(found)
    ordered = sorted(given)
    short = {word for word, following in pairwise(ordered) if following.startswith(word)}
    return (word for word in given if word not in short)


_PUNCTUATION = string.punctuation + "\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u2010\u2011\u2013\u2014\u00b7"
"""ASCII's, quotation marks, hyphens and dashes, the middle dot: what names are written with."""
_CLOSING = ',:;)]}>"\u201d\u2019\u00bb'
_INSIDE = re.compile(f"[{re.escape(_PUNCTUATION)}]+")

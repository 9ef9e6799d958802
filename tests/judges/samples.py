"""Recorded ways of asking: what a client sends, as JSON under ``tests/samples/<client>/``.

Only the shapes are the clients'; every value is invented. A sample names the people and groups that are there
before, then its steps: what is sent, and the state that the directory has after it. ``{{ann}}`` in a text
stands for the id of the person or group so named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tests.protocol.live import Body

FOLDER = Path(__file__).parents[1] / "samples"


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request and what holds after it."""

    send: str
    """Method and path, as in ``PATCH Users/{{ann}}``."""
    status: int
    why: str = ""
    body: Any = None
    resend: str = ""
    """Instead of a body: the resource at this path, as read, less what is null."""
    headers: Mapping[str, str] = {}
    token: str | None = None
    """Another token than the owner's."""
    answer: Any = None
    """What the body of the answer holds at least."""
    keep: str = ""
    """The name under which the answer's id is known from here on."""
    then: Mapping[str, Any] = {}
    """Path → what the resource there holds at least."""
    unchanged: tuple[str, ...] = ()
    """Paths of resources that are to the last byte as before the step."""


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One client's way through something."""

    source: str
    version: str
    steps: tuple[Step, ...]
    people: Mapping[str, Body] = {}
    """Name → what a user so called has beside userName and e-mail address."""
    groups: Mapping[str, tuple[str, ...]] = {}
    """Name → the names of the members."""


def paths() -> list[Path]:
    """Every sample's file, in order."""
    return sorted(FOLDER.glob("*/*.json"))


def load(path: Path) -> Sample:
    """The sample in a file. Raises msgspec.ValidationError for a key that nothing reads."""
    return msgspec.json.decode(path.read_bytes(), type=Sample)


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    """A copy of a JSON value with each ``{{name}}`` replaced by that name's id.

    >>> filled({"path": 'members[value eq "{{ann}}"]'}, {"ann": "W1"})
    {'path': 'members[value eq "W1"]'}
    """
    text = json.dumps(value)
    for name, id in ids.items():
        text = text.replace("{{" + name + "}}", id)
    return json.loads(text)


def without_nulls(value: Any) -> Any:
    """A copy without what is null in an object, as clients that do not write null send it.

    >>> without_nulls({"title": None, "manager": {"managerId": None}, "roles": [{"value": None}]})
    {'manager': {}, 'roles': [{}]}
    """
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [without_nulls(part) for part in value]
    return value


def differences(expected: Any, found: Any, at: str = "") -> Iterator[str]:
    """Where ``found`` does not hold ``expected``. An object may hold more; a list is as long as expected.

    >>> list(differences({"a": [{"b": 1}]}, {"a": [{"b": 2, "c": 3}], "d": 4}))
    ['a.0.b is 2, expected 1']
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, part in expected.items():
            yield from differences(part, found.get(name, "(absent)"), f"{at}{name}.")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (part, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(part, other, f"{at}{index}.")
    elif expected != found or type(expected) is not type(found):
        yield f"{at.removesuffix('.')} is {found!r}, expected {expected!r}"

"""``attributes`` and ``excludedAttributes``: a resource cut down to what a client wants (RFC 7644 §3.9).

Rules of this module:

1. ``attributes`` wins over ``excludedAttributes``; a parameter without a name in it is no parameter.
2. ``schemas`` and ``id`` are always returned (RFC 7643 §7: returned "always"), ``schemas`` unchanged.
3. Names in any case, also behind a URN of either version; unknown names are ignored.
4. The order of keys stays. An object that nothing is left of is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rosterd.scim.dialect import extension_of
from rosterd.scim.errors import InvalidPath, TooLarge
from rosterd.scim.grammar import Path, attribute

MAX_NAMES = 100  # in one parameter; a resource has less than half as many

_ALWAYS = frozenset({"schemas", "id"})

# Lower-cased name, or an extension's slot -> the parts that are named; None: all of it.
_Tree = dict[str, "_Tree | None"]


@dataclass(frozen=True, slots=True)
class Projection:
    """The names that a client gave, and whether it wants only these or all but these."""

    paths: tuple[Path, ...]
    excludes: bool = False

    def wants(self, name: str) -> bool:
        """Whether any of a core attribute is wanted, so that a caller need not read what is not.

        >>> Projection((Path(name="members"),), excludes=True).wants("members")
        False
        >>> Projection((Path(name="members", sub="value"),)).wants("Members")
        True
        """
        named = [path for path in self.paths if not path.extension and path.name == name.lower()]
        if self.excludes:
            return not any(path.sub is None for path in named)
        return bool(named) or name.lower() in _ALWAYS


def parse_projection(params: Mapping[str, str]) -> Projection | None:
    """What query parameters (their names lower-cased) ask for; None: everything.

    Raises TooLarge above 100 names.

    >>> parse_projection({"attributes": "userName, emails.value"}).paths[1]
    Path(extension='', name='emails', filter=None, sub='value')
    >>> parse_projection({"attributes": " "}) is None
    True
    """
    if not params:
        return None
    for parameter, excludes in (("attributes", False), ("excludedattributes", True)):
        if parameter not in params:
            continue
        names = [name.strip() for name in params[parameter].split(",", MAX_NAMES)]
        if len(names) > MAX_NAMES:
            raise TooLarge(f"more than {MAX_NAMES} names in {parameter}")
        if any(names):
            return Projection(tuple(path for name in names if (path := _find(name))), excludes)
    return None


def _find(name: str) -> Path | None:
    try:
        return attribute(name)
    except InvalidPath:
        return None


def project(resource: dict[str, Any], projection: Projection | None) -> dict[str, Any]:
    """The wanted part of a rendered resource of either version; without a projection the resource itself.

    >>> user = {"id": "U1", "title": "Cook", "emails": [{"value": "a@example.com", "primary": True}]}
    >>> project(user, parse_projection({"attributes": "emails.value"}))
    {'id': 'U1', 'emails': [{'value': 'a@example.com'}]}
    """
    if projection is None:
        return resource
    return _cut(resource, _tree(projection.paths), projection.excludes, top=True)


def _tree(paths: tuple[Path, ...]) -> _Tree:
    """The paths by their first part: a name that is given whole stays whole."""
    tree: _Tree = {}
    for path in paths:
        steps = [f"urn:{path.extension}"] if path.extension else []
        steps += [step for step in (path.name, path.sub) if step]
        _plant(tree, steps)
    return tree


def _plant(tree: _Tree, steps: list[str]) -> None:
    for step in steps[:-1]:
        below = tree.setdefault(step, {})
        if below is None:
            return
        tree = below
    tree[steps[-1]] = None


def _slot(key: str) -> str:
    """Where a key stands in the tree. No attribute is called as an extension's slot is: it has a colon."""
    extension = extension_of(key) if ":" in key else None
    return f"urn:{extension}" if extension else key.lower()


def _cut(fields: Mapping[str, Any], tree: _Tree, excludes: bool, *, top: bool = False) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in fields.items():
        slot = _slot(key)
        if top and slot in _ALWAYS:
            kept[key] = value
        elif slot not in tree:
            if excludes:
                kept[key] = value
        elif (below := tree[slot]) is not None:
            part = _cut_value(value, below, excludes)
            if part or not value:
                kept[key] = part or value
        elif not excludes:
            kept[key] = value
    return kept


def _cut_value(value: Any, tree: _Tree, excludes: bool) -> Any:
    """The wanted sub-attributes of an object, or of each object in a list."""
    if isinstance(value, list):
        parts = (_cut_value(element, tree, excludes) for element in value)
        return [part for part in parts if part is not None and part != {}]
    if isinstance(value, dict):
        return _cut(value, tree, excludes)
    return value if excludes else None

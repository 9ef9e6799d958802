"""Arbitrary paths, filters and JSON, for the properties of the protocol."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from rosterd.scim.grammar import And, Compare, Filter, Nested, Not, Op, Or, Path, Present

extensions = st.sampled_from(["", "enterprise", "guest", "profile"])
names = st.from_regex(r"[a-z][a-z0-9_$-]{0,8}", fullmatch=True).filter(
    lambda name: name not in ("and", "or", "not")
)
storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
literals = (
    storable
    | st.integers()
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not number.is_integer())
)
plain_paths = st.builds(Path, extensions, names, st.none(), st.none() | names)
attribute_paths = st.builds(Path, extensions, names, st.none(), st.none())
element_paths = st.builds(Path, st.just(""), names, st.none(), st.none())


def _conditions(paths: st.SearchStrategy[Path]) -> st.SearchStrategy[Filter]:
    return st.builds(Compare, paths, st.sampled_from(Op), literals) | st.builds(Present, paths)


def _combined(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(And, several) | st.builds(Or, several) | st.builds(Not, parts)


element_filters = st.recursive(_conditions(element_paths), _combined, max_leaves=5)
chosen_paths = st.builds(Path, extensions, names, element_filters, st.none() | names)
_value_paths = st.builds(Path, extensions, names, element_filters, names)
filters = st.recursive(
    _conditions(plain_paths | _value_paths) | st.builds(Nested, attribute_paths, element_filters),
    _combined,
    max_leaves=5,
)
whole_extensions = st.builds(Path, st.sampled_from(["enterprise", "guest", "profile"]))
paths = plain_paths | chosen_paths | whole_extensions

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)

"""From what clients send to what they should not: bodies, filters and paths, bent a little or a lot.

Everything is drawn from the `Random` that is given, so that a case is its number.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from rosterd.web.request import MAX_BODY
from tests.fuzz.seeds import ATTRIBUTE_NAMES, BODIES, FILTERS, PATHS, TEXTS, URNS, VALUES, WORDS

OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le")
_PUNCTUATION = b'[]{}",:\\\x00\xff\xc3\xedu 0-'
_BOMB = 60  # levels of nesting, above the 40 that are read


def body_of(random: Random, kind: str) -> bytes:
    """A body of this kind (``PATCH Users``), bent zero to five times as a tree, now and then as bytes.

    It is no larger than a server reads.
    """
    value = copy.deepcopy(random.choice(BODIES[kind]))
    for _ in range(random.randrange(6)):
        value = bent(random, value)
    text = json.dumps(value, ensure_ascii=random.random() < 0.3).encode("utf-8", "surrogatepass")
    text = scrambled(random, text) if random.random() < 0.1 else text
    return text[:MAX_BODY]


def bent(random: Random, value: Any) -> Any:
    """A JSON value with one thing about it changed; may be changed in place."""
    if not isinstance(value, dict | list) or not value or random.random() < 0.05:
        return _replaced(random, value)
    places = list(value) if isinstance(value, dict) else range(len(value))
    place: Any = random.choice(places)
    if random.random() < 0.6:
        value[place] = bent(random, value[place])  # further down
    else:
        changes = _OBJECT_CHANGES if isinstance(value, dict) else _LIST_CHANGES
        random.choice(changes)(random, value, place)
    return value


def _replaced(random: Random, value: Any) -> Any:
    choices: tuple[Callable[[], Any], ...] = (
        lambda: copy.deepcopy(random.choice(VALUES)),
        lambda: copy.deepcopy(random.choice(random.choice(list(BODIES.values())))),
        lambda: [value],
        lambda: {"value": value},
        lambda: str(value).swapcase(),
        lambda: a_path(random),
        lambda: _nested(random, value),
    )
    return random.choice(choices[:-1] if random.random() < 0.95 else choices)()


def _nested(random: Random, value: Any) -> Any:
    for _ in range(random.randrange(_BOMB)):
        value = [value] if random.random() < 0.5 else {"value": value}
    return value


def _rename(random: Random, value: dict[str, Any], key: str) -> None:
    value[random.choice((key.swapcase(), a_name(random), a_path(random)))] = value.pop(key)


def _twice(random: Random, value: dict[str, Any], key: str) -> None:
    value[key.swapcase()] = copy.deepcopy(value[key])


def _more(random: Random, value: dict[str, Any], key: str) -> None:
    value[a_name(random)] = copy.deepcopy(random.choice(VALUES))


def _drop(random: Random, value: Any, place: Any) -> None:
    del value[place]


def _repeat(random: Random, value: list[Any], place: int) -> None:
    value += [copy.deepcopy(value[place])] * random.choice((1, 1, 2, 300))


def _insert(random: Random, value: list[Any], place: int) -> None:
    value.insert(place, copy.deepcopy(random.choice(VALUES)))


def _shuffle(random: Random, value: list[Any], place: int) -> None:
    random.shuffle(value)


_OBJECT_CHANGES: tuple[Callable[..., None], ...] = (_rename, _twice, _more, _drop)
_LIST_CHANGES: tuple[Callable[..., None], ...] = (_drop, _repeat, _insert, _shuffle)


def a_name(random: Random) -> str:
    """An attribute's name, or its path behind a URN."""
    name = random.choice(ATTRIBUTE_NAMES)
    return f"{random.choice(URNS)}{random.choice(':.')}{name}" if random.random() < 0.2 else name


def a_path(random: Random) -> str:
    """A path of PATCH, mostly well-formed."""
    if random.random() < 0.5:
        return random.choice(PATHS)
    text = a_name(random)
    if random.random() < 0.5:
        text += f"[{_expression(random, 3)}]"
    if random.random() < 0.5:
        text += f".{random.choice(ATTRIBUTE_NAMES)}"
    return garbled(random, text) if random.random() < 0.4 else text


def a_filter(random: Random) -> str:
    """A filter, well-formed or not; one in a hundred is enormous."""
    if random.random() < 0.2:
        text = random.choice(FILTERS)
    else:
        text = _expression(random, random.choice((0, 1, 2, 3, 6)))
    if random.random() < 0.01:
        text = random.choice((" and ", " or ", "(", "not (")).join([text] * random.choice((50, 500, 5_000)))
    return garbled(random, text) if random.random() < 0.5 else text


def _expression(random: Random, depth: int) -> str:
    shape = random.random() if depth else 0.0
    if shape < 0.4:
        return _comparison(random)
    inner = _expression(random, depth - 1)
    if shape < 0.7:
        return f"{inner} {random.choice(('and', 'or'))} {_expression(random, depth - 1)}"
    return random.choice(("({})", "not ({})", "emails[{}]", "members[{}]")).replace("{}", inner)


def _comparison(random: Random) -> str:
    name = random.choice(("userName", "email", "active", "displayName", "id", a_name(random)))
    if random.random() < 0.1:
        return f"{name} pr"
    value = random.choice((random.choice(VALUES), random.choice(TEXTS)))
    literal = json.dumps(value, ensure_ascii=random.random() < 0.5)
    return f"{name} {random.choice(OPERATORS)} {literal}"


def garbled(random: Random, text: str) -> str:
    """A text with one to three pieces cut out, doubled, or put in."""
    for _ in range(random.randrange(1, 4)):
        start = random.randrange(len(text) + 1)
        end = min(len(text), start + random.choice((0, 1, 2, 9)))
        piece = random.choice(("", text[start:end] * 2, random.choice(WORDS), random.choice(TEXTS)[:200]))
        text = text[:start] + piece + text[end:]
    return text


def scrambled(random: Random, data: bytes) -> bytes:
    """Bytes with one to three changes that ask nothing of what they mean."""
    changed = bytearray(data)
    for _ in range(random.randrange(1, 4)):
        place = random.randrange(len(changed) + 1)
        random.choice(_BYTE_CHANGES)(random, changed, place)
    return bytes(changed)


def _flip(random: Random, data: bytearray, place: int) -> None:
    data[place : place + 1] = bytes([random.randrange(256)])


def _put(random: Random, data: bytearray, place: int) -> None:
    data[place:place] = bytes(random.choices(_PUNCTUATION, k=random.choice((1, 1, 3, 90))))


def _cut(random: Random, data: bytearray, place: int) -> None:
    del data[place : place + random.choice((1, 4, 1_000))]


def _splice(random: Random, data: bytearray, place: int) -> None:
    start = random.randrange(len(data) + 1)
    data[place:place] = data[start : start + 40]


_BYTE_CHANGES: Sequence[Callable[[Random, bytearray, int], None]] = (_flip, _put, _cut, _splice)

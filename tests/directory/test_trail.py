"""What readers of the audit trail see: one table, and nothing that the code notes is missing from it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import rosterd
from rosterd.directory import trail

SOURCE = Path(rosterd.__file__).parent
NAME = re.compile(r"[a-z]+(?:[._][a-z]+)+")


MAKERS = {"Event", "Task", "_event", "_begin", "_tell", "begin", "events_of_members"}


def noted(tree: ast.AST) -> Iterator[str]:
    """Every name in what is handed to whatever makes an event."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in MAKERS:
            given = [*node.args[:3], *(keyword.value for keyword in node.keywords)]
            yield from (
                part.value
                for argument in given
                if not isinstance(argument, ast.Dict)
                for part in ast.walk(argument)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )


def test_every_action_that_the_code_notes_is_shown_or_known_not_to_be() -> None:
    actions = {
        action
        for path in SOURCE.rglob("*.py")
        for action in noted(ast.parse(path.read_text()))
        if NAME.fullmatch(action)
    }
    assert {"user_profile_deleted", "usergroup_updated", "app_installed"} <= actions
    assert {action for action in actions if trail.shown(action) is None} <= trail.UNSHOWN


def test_every_name_is_in_one_category() -> None:
    counted = Counter(name for names in trail.CATEGORIES.values() for name in names)
    assert [name for name, count in counted.items() if count > 1] == []


def test_what_is_shown_under_a_name_is_found_by_it() -> None:
    for action in trail.EVERYTHING:
        assert action in trail.stored(trail.shown(action) or "")
    assert not trail.UNSHOWN & set(trail.EVERYTHING)

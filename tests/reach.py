"""Which errors of the directory something can end in: all that is raised where its code leads.

What leads where is read from the source: a function, class or table leads to every other one of ours that it
names. So there may be a few too many, and none is missing that is raised by its code.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import rosterd

SOURCE = Path(rosterd.__file__).parent
RAISED = {"Invalid", "NotAllowed", "NotFound", "Taken", "LimitReached"}


class Module(NamedTuple):
    """What a module calls by which names: of its own, and of others of ours."""

    own: dict[str, ast.stmt]
    others: dict[str, str]


@cache
def modules() -> dict[str, Module]:
    """Every module, by its name."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        tree = ast.parse(path.read_text())
        own = {each: node for node in tree.body for each in _named(node)}
        others = {
            each.asname or each.name: f"{node.module}.{each.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rosterd")
            for each in node.names
        }
        found[name] = Module(own, others)
    return found


def codes_from(is_start: Callable[[str], bool]) -> set[str]:
    """The codes of the errors that can be raised below whatever is named so, ``module.name``."""
    waiting = [f"{module}.{name}" for module, each in modules().items() for name in each.own]
    waiting = [each for each in waiting if is_start(each)]
    seen, codes = set[str](), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            module, _, own = name.rpartition(".")
            if module in modules() and own in modules()[module].own:
                node = modules()[module].own[own]
                waiting += _names(module, node)
                codes |= {*_codes(node)}
    return codes


def _named(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))


def _names(module: str, node: ast.stmt) -> Iterator[str]:
    own, others = modules()[module]
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and each.id in own:
            yield f"{module}.{each.id}"
        elif isinstance(each, ast.Name) and each.id in others:
            yield others[each.id]
        elif isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id in others:
            yield f"{others[each.value.id]}.{each.attr}"


def _codes(node: ast.stmt) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and ast.unparse(each.func).rpartition(".")[2] in RAISED:
            for part in ast.walk(ast.Tuple(each.args[:1])):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value

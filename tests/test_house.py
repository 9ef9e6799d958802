"""What docs/architecture.md promises of the code and import-linter cannot see."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from rosterd.cli import rosterd

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "rosterd"

# `seal` and `touch` are absent on purpose: sealing the audit chain and noting a token's last use are
# bookkeeping of the server, nobody's change of the directory.
WRITING = re.compile(r"(insert|update|delete|add|remove|append|retain|replace|revoke|erase)(_|$)")
EXECUTING = {"one", "all", "run", "many", "together", "known"}


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def modules_outside(*packages: str) -> list[Path]:
    return [path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] not in packages]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def store_names(tree: ast.Module) -> dict[str, str]:
    """Local name → where it leads in the store: a noun module, or something taken out of one."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rosterd.store"):
            found |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {
                name.asname or name.name: name.name
                for name in node.names
                if name.name.startswith("rosterd.store")
            }
    return found


def is_module(name: str) -> bool:
    """
    >>> is_module("rosterd.store.users"), is_module("rosterd.store.users.find"), is_module("")
    (True, False, False)
    """
    return bool(name) and SOURCE.parent.joinpath(*name.split(".")).with_suffix(".py").is_file()


def writing_uses(tree: ast.Module) -> Iterator[str]:
    names = store_names(tree)
    for name, target in names.items():
        if WRITING.match(target.rpartition(".")[2]):
            yield f"import of {target} as {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and WRITING.match(node.attr):
            owner = names.get(ast.unparse(node.value), "")
            if is_module(owner):  # not a function out of one
                yield f"line {node.lineno}: {owner}.{node.attr}"


def test_a_writing_verb_is_found_under_any_import() -> None:
    text = """
        from rosterd.store import users, users as people, engine
        from rosterd.store.doors import tokens
        from rosterd.store.groups import add_members
        import rosterd.store.names
        users.find; people.insert; rosterd.store.names.remove; other.insert; people.update_profile()
        tokens.revoke
    """
    tree = ast.parse("\n".join(line.strip() for line in text.splitlines()))
    assert sorted(use.partition(": ")[2] or use for use in writing_uses(tree)) == [
        "import of rosterd.store.groups.add_members as add_members",
        "rosterd.store.doors.tokens.revoke",
        "rosterd.store.names.remove",
        "rosterd.store.users.insert",
        "rosterd.store.users.update_profile",
    ]


def test_only_actions_write() -> None:
    found = [
        f"{name_of(path)}: {use}"
        for path in modules_outside("store", "actions")
        for use in writing_uses(tree_of(path))
    ]
    assert not found


def test_only_the_store_executes_statements() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules_outside("store")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in EXECUTING
        if isinstance(node.value, ast.Name) and node.value.id == "tx"
    ]
    assert not found


def test_only_settings_read_the_environment() -> None:
    found = [
        name_of(path)
        for path in modules_outside("settings.py")
        if re.search(r"\bos\.(environ|getenv)\b|from os import .*\b(environ|getenv)\b", path.read_text())
    ]
    assert not found


def test_the_ground_asks_no_clock() -> None:
    """import-linter keeps `time` out; `datetime` is welcome there, its present moment is not."""
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules_outside(
            "actions", "app.py", "cli", "dashboard", "delivery", "provisioning", "settings.py", "store", "web"
        )
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}
    ]
    assert not found


def test_every_module_says_its_rules() -> None:
    silent = [name_of(path) for path in SOURCE.rglob("*.py") if not ast.get_docstring(tree_of(path))]
    assert not silent


def test_no_module_is_named_for_nothing() -> None:
    vague = {"utils", "helpers", "common", "base", "manager", "service", "core", "lib", "types"}
    assert not [path for path in SOURCE.rglob("*") if path.stem in vague]


def test_modules_and_functions_stay_small() -> None:
    """At most 500 lines a module (a table may be long), 60 a function."""
    found = []
    for path in SOURCE.rglob("*.py"):
        if "migrations" in path.parts:  # history, written once
            continue
        if (lines := len(path.read_text().splitlines())) > 500:
            found.append(f"{name_of(path)}: {lines} lines")
        found += [
            f"{name_of(path)}:{node.lineno} {node.name}: {length} lines"
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if (length := (node.end_lineno or 0) - node.lineno + 1) > 60
        ]
    assert not found


def options_of(command: object, name: str) -> Iterator[tuple[str, str]]:
    """(command, option) of a click command and all below it."""
    for parameter in getattr(command, "params", []):
        for option in parameter.opts:
            if option.startswith("--") and not getattr(parameter, "hidden", False):
                yield name, option
    for child, below in getattr(command, "commands", {}).items():
        yield from options_of(below, f"{name} {child}")


def test_every_command_and_option_is_in_the_documentation() -> None:
    found = list(options_of(rosterd, "rosterd"))
    assert len(found) > 30
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    assert [pair for pair in found if pair[0] not in text or pair[1] not in text] == []


def test_the_table_of_commands_has_every_command() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    rows = "\n".join(line.split(" | ")[0] for line in lines if line.startswith("| `rosterd "))
    names = dict.fromkeys(name for name, _ in options_of(rosterd, "rosterd"))
    assert [name for name in names if f"`{name}" not in rows] == []

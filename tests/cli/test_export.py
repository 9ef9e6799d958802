"""``rosterd export`` and ``import``: an organisation as lines, and an organisation again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from rosterd.store.engine import Store
from rosterd.store.upkeep import copy
from tests.cli.shell import Shell
from tests.cli.test_backup import SECRET, USER, an_organisation, bulk
from tests.cli.test_serve import environment, serving
from tests.cli.whole import SECRETS, populate, printed, refusal, rosterd, rows, within

Lines = list[dict[str, Any]]

TRAIL = ("event", "seal", "active")
LEFT_OUT = (
    *("tokens", "apps", "idps", "sessions", "signin_links", "oauth_codes", "webhooks", "passwords"),
    *("requests", "submissions", "batches", "batch_people", "verifications"),
    *("facets", "facet_counts", "indexed_people", "index_progress", "day_counts"),
)
BEFORE, BEYOND = "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-12:00"


@pytest.fixture(scope="module")
def template(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Commands on a SQLite file with the demo organisation, to be copied and looked at."""
    made = Shell(tmp_path_factory.mktemp("populated") / "rosterd.db")
    shutil.copyfile(migrated_file, made.path)
    populate(made.url)
    return made


@pytest.fixture(scope="module")
def demo(template: Shell) -> str:
    """The lines of that organisation, with its trail."""
    return template.text("export", "--org", "demo", "--audit")


@pytest.fixture
def exported(shell: Shell, template: Shell, demo: str) -> str:
    """The demo organisation with its trail, exported from the SQLite file of ``shell``."""
    shutil.copyfile(template.path, shell.path)
    return demo


@pytest.fixture
def other(migrated_file: Path, tmp_path: Path) -> Shell:
    """Commands on another empty database."""
    made = Shell(tmp_path / "other.db")
    shutil.copyfile(migrated_file, made.path)
    return made


@pytest.fixture
def new(tmp_path: Path) -> Shell:
    """Commands on a database that is not there yet."""
    return Shell(tmp_path / "new.db")


def parsed(text: str) -> Lines:
    return [json.loads(line) for line in text.splitlines()]


def text_of(lines: Lines) -> str:
    return "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines)


def of(lines: Lines, kind: str) -> Lines:
    return [line for line in lines if line["kind"] == kind]


def without(lines: Lines, *kinds: str) -> Lines:
    return [line for line in lines if line["kind"] not in kinds]


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


class TestExport:
    def test_lines_say_what_an_administrator_would(self, exported: str) -> None:
        lines = parsed(exported)
        assert list(dict.fromkeys(line["kind"] for line in lines)) == [
            "export", "org", "workspace", "name", "profile_field", "user", "group", "user_group", "channel",
            "member", "group_workspace", "group_channel", "allowlist", "workspace_member", "workspace_role",
            "channel_member", "former_member", "task", "event", "seal", "active", "end",
        ]  # fmt: skip
        assert lines[-1] == {"kind": "end", "lines": len(lines) - 1}
        [asa] = [user for user in of(lines, "user") if user["username"] == "asa"]
        assert asa["emails"] == ["Asa@demo.example", "Second@demo.example"]
        assert asa["profile"] == {"given_name": "Åsa", "family_name": "Ωmega", "has_custom": True}
        assert (asa["role"], asa["active"], asa["signed_in"]) == ("member", True, None)
        [guest] = [user for user in of(lines, "user") if user["username"] == "gus"]
        assert guest["guest_expires"] == "2033-05-18T03:33:20Z"
        [team] = [group for group in of(lines, "group") if group["name"] == 'Ünï "quoted"']
        members = [line["user"] for line in of(lines, "member") if line["group"] == team["id"]]
        assert members == [asa["id"], guest["id"]]
        assert {name["name"] for name in of(lines, "name")} >= {"general", "everyone"}

    def test_there_are_no_secrets_and_without_being_asked_no_trail(self, shell: Shell, exported: str) -> None:
        assert not [word for word in ("xoxp-", *SECRETS, "https://h.example") if word in exported]
        plain = parsed(shell.text("export", "--org", "demo"))
        assert plain[1:-1] == [line for line in parsed(exported)[1:-1] if line["kind"] not in TRAIL]

    def test_a_file_is_its_owners_and_whole(self, shell: Shell, exported: str, tmp_path: Path) -> None:
        file = tmp_path / "demo.jsonl"
        assert shell.text("export", "--org", "demo", "--audit", str(file)) == ""
        assert file.read_text().splitlines()[1:] == exported.splitlines()[1:]
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert shell.failure("export", "--org", "nobody", str(tmp_path / "x")).startswith(
            "Error: no_such_org"
        )
        assert not list(tmp_path.glob("x*"))

    def test_a_bar_is_shown_on_a_terminal_only(self, shell: Shell, tmp_path: Path) -> None:
        populate(shell.url)
        screen, terminal = os.openpty()
        command = [sys.executable, "-m", "rosterd", "export", "--org", "demo", "--database", shell.url, "out"]
        subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), stderr=terminal, check=True)
        os.close(terminal)
        shown = ""
        with suppress(OSError):  # which says that nothing is left
            while True:
                shown += os.read(screen, 65_536).decode()
        os.close(screen)
        assert "export  [" in shown
        assert "100%" in shown


class TestImport:
    def test_an_organisation_comes_back_as_it_was(
        self, exported: str, database_url: str, tmp_path: Path
    ) -> None:
        """On either engine: the same lines, its trail still sealed, and one event more."""
        done = printed(rosterd("import", written(tmp_path / "x.jsonl", exported), url=database_url))
        lines = parsed(exported)
        assert done == {
            "org_id": lines[1]["id"],
            "domain": "demo",
            **{f"{kind}s": len(of(lines, kind)) for kind in ("user", "group", "channel", "member", "event")},
        }
        again = rosterd("export", "--org", "demo", "--audit", url=database_url)
        lines_again = parsed(again.stdout)
        *events, imported = of(lines_again, "event")
        assert (imported["action"], imported["details"]["users"]) == ("organization_imported", done["users"])
        assert events == of(lines, "event")
        assert of(lines_again, "seal")[:-1] == of(lines, "seal")
        assert without(lines_again, "export", "end", *TRAIL) == without(lines, "export", "end", *TRAIL)
        verdict = printed(rosterd("audit", "verify", url=database_url))
        assert (verdict["ok"], verdict["events"], verdict["unsealed"]) == (True, len(events) + 1, 0)
        assert rosterd("fsck", url=database_url).stdout == "clean\n"

    def test_rows_are_the_same_but_for_what_lets_in_and_tells_others(
        self, shell: Shell, exported: str, new: Shell, tmp_path: Path
    ) -> None:
        printed(new.run("import", written(tmp_path / "x.jsonl", exported)))
        before, after = rows(shell.url), rows(new.url)
        assert [table for table in before if not before[table]] == ["audit_unsealed"]
        for table in before.keys() - {*LEFT_OUT, "audit_events", "audit_seals", "outbox"}:
            assert after[table] == before[table], table
        assert [table for table in LEFT_OUT if after[table]] == []

    def test_work_that_waits_comes_along_and_no_mail_does(
        self, shell: Shell, exported: str, new: Shell, tmp_path: Path
    ) -> None:
        printed(new.run("import", written(tmp_path / "x.jsonl", exported)))
        before, after = rows(shell.url)["outbox"], rows(new.url)["outbox"]
        assert {row[3] for row in before} > {"consequences"}
        same = slice(0, 6)  # up to the arguments: when it is due may differ
        assert {row[same] for row in after} == {row[same] for row in before if row[3] == "consequences"}

    def test_stdin_another_domain_and_a_trail_begun_anew(self, shell: Shell, new: Shell) -> None:
        populate(shell.url)
        plain = shell.text("export", "--org", "demo")
        command = [
            sys.executable,
            "-m",
            "rosterd",
            "import",
            "-",
            "--as-domain",
            "copy",
            "--database",
            new.url,
        ]
        subprocess.run(command, input=plain.encode(), check=True, capture_output=True)
        assert new.line("org", "list")["domain"] == "copy"
        assert new.line("audit", "verify")["events"] == 1

    def test_events_without_a_seal_are_sealed_here(self, exported: str, new: Shell, tmp_path: Path) -> None:
        lines = parsed(exported)
        last = of(lines, "seal")[-1]
        for event in of(lines, "event"):
            event["sealed"] = event["id"] not in last["events"]
        lines = [line for line in lines if line is not last]
        lines[-1]["lines"] -= 1
        printed(new.run("import", written(tmp_path / "x.jsonl", text_of(lines))))
        verdict = new.line("audit", "verify")
        assert (verdict["ok"], verdict["unsealed"]) == (True, 0)

    def test_what_is_here_is_not_imported_again(self, shell: Shell, exported: str, tmp_path: Path) -> None:
        file = written(tmp_path / "x.jsonl", exported)
        before = rows(shell.url)
        assert "domain_taken" in shell.failure("import", file)
        assert "org_exists" in shell.failure("import", file, "--as-domain", "other")
        assert "invalid_domain" in shell.failure("import", file, "--as-domain", "a.b")
        assert "domain_reserved" in shell.failure("import", file, "--as-domain", "scim")
        assert "org_finished" in shell.failure("org", "discard", "--org", "demo")
        assert rows(shell.url) == before


def first(lines: Lines, kind: str) -> dict[str, Any]:
    return of(lines, kind)[0]


def last(lines: Lines, kind: str) -> dict[str, Any]:
    return of(lines, kind)[-1]


def doubled(lines: Lines, kind: str) -> None:
    at = lines.index(last(lines, kind))
    lines.insert(at + 1, dict(lines[at]))
    lines[-1]["lines"] += 1


def removed(lines: Lines, id: str | int) -> None:
    lines.remove(next(line for line in lines if id in (line.get("id"), line.get("n"))))
    lines[-1]["lines"] -= 1


def the_erased(lines: Lines) -> dict[str, Any]:
    return next(user for user in of(lines, "user") if user["erased"])


def managed(lines: Lines, manager: str) -> None:
    """Let two people have this manager."""
    for user in of(lines, "user")[1:3]:
        user["profile"] |= {"manager_id": manager, "has_custom": True}


def named(lines: Lines, kind: str, name: str) -> dict[str, Any]:
    """The workspace, channel or group with this name, the user with this username."""
    return next(line for line in of(lines, kind) if name in (line.get("name"), line.get("username")))


def added(lines: Lines, like: str, **fields: object) -> None:
    """One more line behind the last of a kind, with these fields instead of its own."""
    doubled(lines, like)
    last(lines, like).update(fields)


def not_in_workspaces(lines: Lines, name: str) -> None:
    user = named(lines, "user", name)["id"]
    for line in of(lines, "workspace_member"):
        if line["user"] == user:
            lines.remove(line)
            lines[-1]["lines"] -= 1


def led(lines: Lines, group: str, workspace: str) -> dict[str, Any]:
    """That a group leads to a workspace."""
    ids = (named(lines, "group", group)["id"], named(lines, "workspace", workspace)["id"])
    return next(line for line in of(lines, "group_workspace") if (line["group"], line["workspace"]) == ids)


WRONG: dict[str, tuple[Callable[[Lines], object], str]] = {
    "another format": (lambda lines: lines[0].update(format=1), "line 1: this is no export of format 2"),
    "no organisation": (lambda lines: lines.pop(1), "line 2: the organisation should be here"),
    "an organisation's id": (lambda lines: lines[1].update(id="W0000000000"), "line 2: 'W0000000000' is no"),
    "a plan": (lambda lines: lines[1].update(plan="gold"), "line 2: Invalid enum value 'gold'"),
    "a domain": (lambda lines: lines[1].update(domain="A"), "invalid_domain"),
    "a field too many": (lambda lines: lines[5].update(colour="red"), "line 6: Object contains unknown"),
    "another type": (lambda lines: last(lines, "user").update(active="yes"), "Expected `bool`, got `str`"),
    "a kind": (lambda lines: lines[4].update(kind="token"), "line 5: Invalid value 'token'"),
    "a user's id": (lambda lines: last(lines, "user").update(id="W1"), "'W1' is no id that begins with U"),
    "a group's id": (lambda lines: last(lines, "group").update(id="G0123456789"), "begins with S"),
    "a username": (lambda lines: first(lines, "user").update(username="Olive"), "would be stored as 'olive'"),
    "an address": (lambda lines: first(lines, "user").update(emails=["x"]), "bad_email_address"),
    "no address": (lambda lines: first(lines, "user").update(emails=[]), "a person has an e-mail address"),
    "three addresses": (lambda lines: first(lines, "user").update(emails=["a@b.c"] * 3), "length <= 2"),
    "a display name": (lambda lines: first(lines, "user").update(display_name="@a"), "invalid_starts"),
    "a role": (lambda lines: first(lines, "user").update(role="king"), "Invalid enum value 'king'"),
    "a profile": (lambda lines: first(lines, "user")["profile"].update(shoe=1), "has no field shoe"),
    "a local time": (lambda lines: first(lines, "user").update(created="2026-01-01T00:00:00"), "timezone"),
    "half a second": (
        lambda lines: first(lines, "user").update(signed_in="2026-01-01T00:00:00.5Z"), "no whole second"
    ),
    "a group's name": (lambda lines: first(lines, "group").update(name=" A "), "would be stored as 'A'"),
    "NUL": (lambda lines: last(lines, "user").update(display_name="a\0"), "the character NUL"),
    "a user twice": (lambda lines: doubled(lines, "user"), "repeated, or about somebody who is not there"),
    "a group twice": (lambda lines: doubled(lines, "group"), "repeated, or about"),
    "a member twice": (lambda lines: doubled(lines, "member"), "repeated, or about"),
    "two primary owners": (lambda lines: last(lines, "user").update(role="primary_owner"), "repeated"),
    "no primary owner": (lambda lines: first(lines, "user").update(role="owner"), "no_primary_owner"),
    "a member who is nobody": (
        lambda lines: first(lines, "member").update(user="W0000000000"), "repeated, or about"
    ),
    "an erased user's name": (
        lambda lines: the_erased(lines).update(username="UPPER CASE"), "would be stored as 'erased-"
    ),
    "an erased user's address": (
        lambda lines: the_erased(lines).update(emails=["Not Mail"]), "would be stored as ['erased-"
    ),
    "a member's expiry": (
        lambda lines: first(lines, "user").update(guest_expires="2033-05-18T03:33:20Z"),
        "line {user}: guest_expires: '2033-05-18T03:33:20Z' would be stored as None",
    ),
    "a time after the last": (
        lambda lines: first(lines, "user").update(guest_expires=BEYOND), f"line {{user}}: {BEYOND} is too"
    ),
    "a time before the first": (
        lambda lines: first(lines, "user").update(created=BEFORE), f"line {{user}}: {BEFORE} is too early or"
    ),
    "an organisation's time": (lambda lines: lines[1].update(created=BEFORE), "line 2: 0001-01-01"),
    "an organisation's name": (lambda lines: lines[1].update(name=" A "), "line 2: ' A ' would be stored"),
    "a channel's name": (lambda lines: first(lines, "name").update(name="General"), "stored as 'general'"),
    "a long text": (
        lambda lines: first(lines, "user")["profile"].update(title="x" * 200_000), "invalid_attribute_format"
    ),
    "a photo": (
        lambda lines: first(lines, "user")["profile"].update(photo="javascript:x"), "invalid_attribute_format"
    ),
    "a manager's id": (lambda lines: managed(lines, "not an id"), "{second}: unknown_user (user=not an id)"),
    "a manager who is nobody": (lambda lines: managed(lines, "W0000000000"), "line {second}: unknown_user"),
    "a primary owner who is deactivated": (
        lambda lines: first(lines, "user").update(active=False), "problem(s) in what was stored, first: E"
    ),
    "a user is missing": (lambda lines: removed(lines, first(lines, "member")["user"]), "repeated, or about"),
    "an event is missing": (lambda lines: removed(lines, first(lines, "event")["id"]), "file is broken"),
    "a seal is missing": (lambda lines: removed(lines, 1), "trail of the file is broken"),
    "an event was changed": (lambda lines: last(lines, "event").update(action="x"), "the file is broken"),
    "a line is missing": (lambda lines: lines.pop(-5), "lines before this one, not"),
    "it was cut off": (lambda lines: lines.pop(), "it was cut off"),
    "there is more": (lambda lines: lines.append(lines[5]), "this is behind the last line"),
    "an end too early": (lambda lines: lines.insert(8, {"kind": "end", "lines": 8}), "behind the last"),
    "a channel in no workspace": (
        lambda lines: first(lines, "channel").update(workspaces=[]), "a channel is in a workspace"
    ),
    "a private default channel": (
        lambda lines: first(lines, "channel").update(private=True), "a default channel is public"
    ),
    "a channel's own name": (lambda lines: last(lines, "channel").update(name="A"), "be stored as 'a'"),
    "a channel's name in words": (lambda lines: last(lines, "channel").update(name="a b"), "name_specials"),
    "a channel's name that is not held": (lambda lines: last(lines, "channel").update(name="x"), "repeated"),
    "two channels of one name in a workspace": (
        lambda lines: named(lines, "channel", "empty").update(name="general"), "repeated, or about"
    ),
    "a channel's id": (lambda lines: last(lines, "channel").update(id="G0123456789"), "begins with C"),
    "a channel's creator": (lambda lines: last(lines, "channel").update(creator="me"), "begins with U or W"),
    "a workspace that is not there": (
        lambda lines: last(lines, "workspace_member").update(workspace="T0000000000"), "repeated, or about"
    ),
    "a channel that is not there": (
        lambda lines: last(lines, "channel_member").update(channel="C0000000000"), "repeated, or about"
    ),
    "a reason twice": (lambda lines: doubled(lines, "channel_member"), "repeated, or about"),
    "a reason of no kind": (
        lambda lines: last(lines, "workspace_member").update(because_of="U0123456789"), "begins with S"
    ),
    "a group as reason that does not lead there": (
        lambda lines: added(
            lines, "workspace_member", because_of=named(lines, "group", "Ünï \"quoted\"")["id"], kept=False
        ),
        "they are not in or which does not lead there",
    ),
    "a workspace as reason whose default channel it is not": (
        lambda lines: [
            each.update(because_of=named(lines, "workspace", "Field")["id"])
            for each in of(lines, "channel_member")
            if each["channel"] == named(lines, "channel", "vault")["id"]
        ],
        "is not theirs or not the reason",
    ),
    "somebody deactivated in a workspace": (
        lambda lines: added(lines, "workspace_member", user=named(lines, "user", "felix")["id"]),
        "who is nobody active",
    ),
    "somebody in a channel alone": (
        lambda lines: not_in_workspaces(lines, "jonas"), "in none of its workspaces"
    ),
    "somebody whom an allowlist does not allow": (
        lambda lines: added(
            lines,
            "channel_member",
            channel=named(lines, "channel", "hiring")["id"],
            user=first(lines, "user")["id"],
            because_of=None,
        ),
        "whose allowlist does not allow them",
    ),
    "an allowlist of a public channel": (
        lambda lines: added(lines, "allowlist", channel=named(lines, "channel", "empty")["id"]), "is public"
    ),
    "a channel that cannot be reached": (
        lambda lines: led(lines, "Engineering", "Build").update(required=False), "is not within its reach"
    ),
    "connections outside Enterprise": (
        lambda lines: lines[1].update(plan="business_plus"), "the plan has one workspace, and T"
    ),
    "no channel that everybody is in": (
        lambda lines: first(lines, "channel")["workspaces"][0].update(general=False), "has no channel that"
    ),
    "a role without being there": (
        lambda lines: last(lines, "workspace_role").update(user=first(lines, "user")["id"]),
        "without being in it",
    ),
    "a role in a workspace": (lambda lines: last(lines, "workspace_role").update(role="king"), "'king'"),
    "a former member who is active": (
        lambda lines: last(lines, "former_member").update(user=first(lines, "user")["id"]),
        "without being deactivated",
    ),
    "a place to come back to": (
        lambda lines: last(lines, "former_member").update(place="C0000000000"), "which is not there"
    ),
    "a handle": (lambda lines: last(lines, "user_group").update(handle="Keys"), "be stored as 'keys'"),
    "a handle that is not held": (
        lambda lines: last(lines, "user_group").update(handle="other"), "which is not held for it"
    ),
    "a task of nobody": (lambda lines: last(lines, "task")["arguments"].pop("actor"), "missing required"),
    "a task with more": (lambda lines: last(lines, "task")["arguments"].update(x=1), "is no task as rosterd"),
    "a task of another group": (lambda lines: last(lines, "task").update(group="S0000000000"), "another"),
    "a day": (lambda lines: last(lines, "active").update(day="today"), "Invalid RFC3339"),
    "an organisation in the middle": (lambda lines: lines.insert(8, lines[1]), "line 9: this line has"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_named_by_its_line_and_nothing_is_imported(
    demo: str, other: Shell, tmp_path: Path, what: str
) -> None:
    change, line = WRONG[what]
    lines = parsed(demo)
    user = lines.index(first(lines, "user")) + 1
    change(lines)
    before = rows(other.url)
    said = other.failure("import", written(tmp_path / "x.jsonl", text_of(lines)))
    assert line.format(user=user, second=user + 1) in said
    assert rows(other.url) == before


def test_a_manager_may_come_later(exported: str, new: Shell, tmp_path: Path) -> None:
    lines = parsed(exported)
    managed(lines, last(lines, "user")["id"])
    printed(new.run("import", written(tmp_path / "x.jsonl", text_of(lines))))
    assert of(parsed(new.text("export", "--org", "demo")), "user") == of(lines, "user")
    assert new.text("fsck") == "clean\n"


def test_what_the_database_made_of_the_file_is_checked(demo: str, other: Shell, tmp_path: Path) -> None:
    with closing(sqlite3.connect(other.path)) as connection:
        connection.execute(
            "CREATE TRIGGER t AFTER INSERT ON users BEGIN UPDATE users SET full_name = 'X'; END"
        )
    refused = other.failure("import", written(tmp_path / "x.jsonl", demo))
    assert "problem(s) in what was stored, first: E" in refused
    assert other.lines("org", "list") == []


def test_what_is_wrong_with_another_organisation_refuses_nothing(
    demo: str, other: Shell, tmp_path: Path
) -> None:
    an_organisation(other.url)
    with closing(sqlite3.connect(other.path)) as connection, connection:
        connection.execute("UPDATE users SET full_name = 'X'")
    assert printed(other.run("import", written(tmp_path / "x.jsonl", demo)))["domain"] == "demo"


@pytest.mark.parametrize("text", ["", "{", "no JSON\n", "\0\n", "[]\n", '{"kind":"export"}\n'])
def test_what_is_no_export_is_refused_at_its_first_line(new: Shell, tmp_path: Path, text: str) -> None:
    assert new.failure("import", written(tmp_path / "x.jsonl", text)).startswith("Error: line 1: ")


@pytest.fixture
def large(shell: Shell, tmp_path: Path) -> Path:
    """An export that takes an import some seconds."""
    bulk(shell.path, 4_000)
    shell.text("export", "--org", "big", str(tmp_path / "big.jsonl"))
    return tmp_path / "big.jsonl"


def people(url: str) -> int:
    """How many there are, in all organisations."""

    async def count(store: Store) -> int:
        async with store.scan() as tx:
            return (await copy.count(tx))["users"]

    return int(within(url, count))


def killed_import(large: Path, url: str, folder: Path) -> None:
    """An import that is killed when half of its file is stored."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "rosterd", "import", str(pipe), "--database", url]
    text = large.read_bytes()
    with subprocess.Popen(command, env=environment(folder)) as process, pipe.open("wb") as half:
        half.write(text[: len(text) // 2])
        half.flush()
        while people(url) < 1_500:  # most of what it has been given
            assert process.poll() is None
        process.kill()


def test_what_a_killed_import_has_left_is_no_organisation_and_is_removed_by_the_next(
    large: Path, database_url: str, tmp_path: Path
) -> None:
    killed_import(large, database_url, tmp_path)
    [left] = parsed(rosterd("org", "list", url=database_url).stdout)
    assert left["domain"].startswith(".unfinished-")
    assert "no_such_org" in refusal(rosterd("user", "list", "--org", "big", url=database_url))
    assert "no_such_org" in refusal(rosterd("export", "--org", left["org_id"], url=database_url))
    assert rosterd("audit", "verify", url=database_url).output == ""
    assert rosterd("fsck", url=database_url).stdout == "clean\n"
    result = rosterd("import", str(large), url=database_url)
    assert printed(result)["users"] == 4_000
    assert result.stderr == "removing what an earlier import has left\n"
    assert rosterd("fsck", url=database_url).stdout == "clean\n"


def test_what_a_killed_import_has_left_can_be_discarded(
    large: Path, migrated_file: Path, tmp_path: Path
) -> None:
    other = Shell(tmp_path / "other.db")
    other.line("db", "upgrade")
    empty = rows(other.url)
    killed_import(large, other.url, tmp_path)
    [left] = other.lines("org", "list")
    assert other.line("org", "discard", "--org", left["org_id"])["discarded"] is True
    assert rows(other.url) == empty


def test_an_import_that_is_interrupted_leaves_nothing(large: Path, tmp_path: Path) -> None:
    other = Shell(tmp_path / "other.db")
    other.line("db", "upgrade")
    empty = rows(other.url)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "rosterd", "import", str(pipe), "--database", other.url]
    text = large.read_bytes()
    env = environment(tmp_path)
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        with suppress(BrokenPipeError), pipe.open("wb") as half:
            half.write(text[: len(text) // 2])
            half.flush()
            while people(other.url) < 1_000:
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            half.write(text[len(text) // 2 :])
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error.split()) == (1, ["Aborted!"])
    assert rows(other.url) == empty


def test_of_two_imports_of_one_organisation_the_second_wins(
    large: Path, database_url: str, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "rosterd", "import", str(pipe), "--database", database_url]
    text = large.read_bytes()
    env = environment(tmp_path)
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        with suppress(BrokenPipeError), pipe.open("wb") as half:
            half.write(text[: len(text) // 2])
            half.flush()
            while people(database_url) < 1_000:
                assert process.poll() is None
            assert printed(rosterd("import", str(large), url=database_url))["users"] == 4_000
            half.write(text[len(text) // 2 :])
        _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "another import has taken this organisation over" in error
    assert people(database_url) == 4_000


def test_a_server_goes_on_reading_and_writing_beside_an_import(large: Path, tmp_path: Path) -> None:
    other = Shell(tmp_path / "server" / "rosterd.db")
    other.path.parent.mkdir()
    token = an_organisation(other.url)
    with serving(other.path.parent, ROSTERD_SECRET=SECRET) as server:
        command = [sys.executable, "-m", "rosterd", "import", str(large), "--as-domain", "fresh"]
        with (
            subprocess.Popen([*command, "--database", other.url], env=environment(tmp_path)) as process,
            httpx.Client(headers={"Authorization": f"Bearer {token}"}) as client,
        ):
            answers: list[int] = []
            while process.poll() is None:
                name = f"u{len(answers)}"
                emails = [{"value": f"{name}@a.example"}]
                body = {"schemas": [USER], "userName": name, "emails": emails}
                answers.append(client.get(f"{server.url}/scim/v2/Users").status_code)
                answers.append(client.post(f"{server.url}/scim/v2/Users", json=body).status_code)
        assert process.returncode == 0
    assert set(answers) == {200, 201}
    assert all(verdict["ok"] for verdict in other.lines("audit", "verify"))

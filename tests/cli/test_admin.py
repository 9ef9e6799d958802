"""Every command for operators: what it prints, how it ends."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.shell import Shell

OLIVE = ("--org", "acme", "--user", "olive@acme.example")


def execute(shell: Shell, sql: str) -> None:
    """Something that no command does."""
    with closing(sqlite3.connect(shell.path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(sql)


def a_person(shell: Shell, name: str, *words: str) -> str:
    """The id of a new person."""
    made = shell.line("user", "create", "--org", "acme", "--email", f"{name}@acme.example", *words)
    return str(made["user_id"])


class TestOrg:
    def test_create_makes_the_database_too_and_prints_ids(self, tmp_path: Path) -> None:
        shell = Shell(tmp_path / "new.db")
        made = shell.line(
            "org", "create", "--name", "Shop", "--domain", "Shop", "--plan", "business_plus",
            "--owner-email", "o@shop.example",
        )  # fmt: skip
        assert list(made) == ["org_id", "workspace_ids", "owner_id"]
        assert made["workspace_ids"] == [made["org_id"]]
        assert (made["org_id"][0], made["owner_id"][0]) == ("T", "U")
        assert stat.S_IMODE(shell.path.stat().st_mode) == 0o600

    def test_on_enterprise_the_organisation_is_not_its_workspace(self, acme: Shell) -> None:
        [org] = acme.lines("org", "list")
        assert (org["org_id"][0], org["team_id"][0], org["domain"], org["plan"]) == (
            "E",
            "T",
            "acme",
            "enterprise",
        )

    def test_set_changes_a_setting(self, acme: Shell) -> None:
        for value in ("true", "false"):
            changed = acme.line("org", "set", "--org", "acme", "--members-may-change-display-name", value)
            assert changed["members_may_change_display_name"] is (value == "true")

    def test_a_domain_is_taken_once(self, acme: Shell) -> None:
        words = ("org", "create", "--name", "A", "--plan", "pro", "--owner-email", "o@a.example", "--domain")
        assert acme.failure(*words, "acme").startswith("Error: domain_taken (domain=acme): another ")
        assert acme.failure(*words, "a.b").startswith(
            "Error: invalid_domain (domain=a.b): lower-case letters"
        )
        assert acme.failure(*words, "api").startswith(
            "Error: domain_reserved (domain=api): addresses of this"
        )

    def test_its_domain_counts_in_any_case(self, acme: Shell) -> None:
        assert acme.lines("user", "list", "--org", "ACME") == acme.lines("user", "list", "--org", "acme")
        id = acme.line("org", "list")["org_id"]
        assert acme.lines("user", "list", "--org", id) == acme.lines("user", "list", "--org", "Acme")


class TestUser:
    def test_create_prints_the_person(self, acme: Shell) -> None:
        made = acme.line(
            "user", "create", "--org", "acme", "--email", "Carl@acme.example", "--given-name", "Carl",
            "--display-name", "Carl L", "--role", "admin", "--signed-in",
        )  # fmt: skip
        id = made.pop("user_id")
        assert id.startswith("W")
        assert made == {
            "username": "carl",
            "email": "Carl@acme.example",
            "display_name": "Carl L",
            "role": "admin",
            "status": "active",
        }

    def test_list_prints_everybody_in_order_of_creation(self, acme: Shell) -> None:
        a_person(acme, "carl")
        a_person(acme, "ann", "--username", "annie")
        listed = acme.lines("user", "list", "--org", "acme")
        assert [(each["username"], each["status"]) for each in listed] == [
            ("olive", "active"),
            ("carl", "invited"),
            ("annie", "invited"),
        ]

    def test_set_role_takes_an_address_or_an_id(self, acme: Shell) -> None:
        id = a_person(acme, "carl")
        for name, role in (("CARL@acme.example", "owner"), (id, "member")):
            words = ("user", "set-role", "--org", "acme", "--user", name, "--role", role)
            assert acme.line(*words)["role"] == role

    def test_erase_asks_unless_told_not_to(self, acme: Shell) -> None:
        id = a_person(acme, "carl")
        words = ("user", "erase", "--org", "acme", "--user", id)
        asked = acme.run(*words)
        assert (asked.exit_code, asked.stdout) == (1, "")
        question, error = asked.stderr.splitlines()
        assert question.startswith(f"Forget carl (carl@acme.example, {id}) in acme? This cannot be undone.")
        assert error == "Error: nothing was done"
        assert acme.line(*words, "--yes") == {"user_id": id, "erased": True}
        assert acme.failure(*words, "--yes") == "Error: cannot_modify_gdpr: they have been forgotten"
        assert "carl" not in acme.text("user", "list", "--org", "acme")

    def test_nobody_by_that_name_is_named(self, acme: Shell) -> None:
        words = ("user", "set-role", "--org", "acme", "--role", "admin", "--user")
        for name in ("x@acme.example", "W0000000000"):
            assert (
                acme.failure(*words, name)
                == f"Error: no_such_user (user={name}): see: rosterd user list --org DOMAIN"
            )
        assert acme.failure(*words, "olıve@acme.example").startswith("Error: no_such_user ")


class TestToken:
    def test_create_prints_the_token_alone_and_list_never_does(self, acme: Shell) -> None:
        text = acme.text("token", "create", *OLIVE, "--scopes", "admin, auditlogs:read").strip()
        assert text.startswith("xoxp-")
        assert "\n" not in text
        [token] = acme.lines("token", "list", "--org", "acme")
        assert token["scopes"] == ["admin", "auditlogs:read"]
        assert text.rpartition("-")[2] not in str(token)
        assert stat.S_IMODE(acme.path.with_name("rosterd.db.secret").stat().st_mode) == 0o600

    def test_a_scope_that_nothing_asks_for_is_noted(self, acme: Shell) -> None:
        said = acme.run("token", "create", *OLIVE, "--scope", "admin,user:read").stderr
        assert said == "note: nothing here asks for the scope user:read\n"

    def test_restrictions_are_kept(self, acme: Shell) -> None:
        team = acme.line("org", "list")["team_id"]
        acme.text(
            "token", "create", *OLIVE, "--scopes", "admin", "--workspace", "acme", "--allow-ip", "192.0.2.1",
            "--allow-ip", "10.0.0.0/8", "--expires", "2030-01-01T00:00:00Z",
        )  # fmt: skip
        token = acme.line("token", "list", "--org", "acme")
        assert (token["team_id"], token["allow_ips"], token["expires"]) == (
            team, ["192.0.2.1/32", "10.0.0.0/8"], "2030-01-01T00:00:00Z",
        )  # fmt: skip

    @pytest.mark.parametrize(("text", "seconds"), [("90d", 90 * 86_400), ("12h", 12 * 3_600)])
    def test_an_end_may_be_so_long_from_now(self, acme: Shell, text: str, seconds: int) -> None:
        acme.text("token", "create", *OLIVE, "--scopes", "admin", "--expires", text)
        token = acme.line("token", "list", "--org", "acme")
        lasts = datetime.fromisoformat(token["expires"]) - datetime.fromisoformat(token["created"])
        assert abs(lasts.total_seconds() - seconds) <= 60

    def test_revoke_ends_it(self, acme: Shell) -> None:
        acme.text("token", "create", *OLIVE, "--scopes", "admin")
        id = acme.line("token", "list", "--org", "acme")["token_id"]
        for _ in range(2):
            assert acme.line("token", "revoke", id, "--org", "acme") == {"token_id": id, "revoked": True}
        assert acme.line("token", "list", "--org", "acme")["revoked"] is not None

    def test_rotate_prints_the_new_one_alone_and_the_old_one_lasts_the_overlap(self, acme: Shell) -> None:
        acme.text("token", "create", *OLIVE, "--scopes", "admin", "--name", "Okta production")
        first = acme.line("token", "list", "--org", "acme")
        done = acme.run("token", "rotate", first["token_id"], "--org", "acme", "--overlap", "7d")
        old, new = acme.lines("token", "list", "--org", "acme")
        assert done.stdout.startswith("xoxp-")
        assert len(done.stdout.splitlines()) == 1
        assert done.stderr == f"note: this is {new['token_id']}; {old['token_id']} works for 7d more\n"
        assert [each["name"] for each in (old, new)] == ["Okta production"] * 2
        assert (old["replaced_by"], new["replaced_by"]) == (new["token_id"], None)
        assert "token_rotated" in acme.failure("token", "rotate", old["token_id"], "--org", "acme")
        lasts = datetime.fromisoformat(old["expires"]) - datetime.fromisoformat(new["created"])
        assert timedelta(days=7, seconds=-2) < lasts <= timedelta(days=7)
        acme.run("token", "rotate", new["token_id"], "--org", "acme", "--overlap", "0h")
        assert acme.lines("token", "list", "--org", "acme")[1]["revoked"] is not None
        assert "token_ended" in acme.failure("token", "rotate", new["token_id"], "--org", "acme")
        acme.failure("token", "rotate", new["token_id"], "--org", "acme", "--overlap", "soon", code=2)

    def test_what_cannot_be_is_one_line(self, acme: Shell) -> None:
        a_person(acme, "carl")
        carl = ("token", "create", "--org", "acme", "--user", "carl@acme.example", "--scopes")
        olive = ("token", "create", *OLIVE, "--scopes")
        for words, line in (
            ((*carl, "admin"), "permission_denied (user=carl, role=member)"),
            ((*olive, ","), "invalid_scope"),
            ((*olive, "admin", "--team", "T1"), "no_such_team (team=T1)"),
            ((*olive, "admin", "--allow-ip", "x"), "invalid_ip_range (range=x)"),
            ((*olive, "admin", "--expires", "2020-01-01T00:00:00Z"), "invalid_expiration"),
            (("token", "revoke", "A1", "--org", "acme"), "no_such_token (token=A1)"),
            (("token", "list", "--org", "nowhere"), "no_such_org (org=nowhere)"),
        ):
            assert acme.failure(*words).startswith(f"Error: {line}")
        assert acme.lines("token", "list", "--org", "acme") == []

    def test_a_wrong_end_is_wrong_usage(self, acme: Shell) -> None:
        text = acme.failure("token", "create", *OLIVE, "--scopes", "admin", "--expires", "soon", code=2)
        assert "'soon' is neither a date time nor like 90d" in text


class TestProfileField:
    def test_add_prints_the_field_and_no_two_have_one_name(self, acme: Shell) -> None:
        words = ("profile-field", "add", "--org", "acme", "--name")
        assert acme.line(*words, "shoe") == {"name": "shoe", "label": "shoe"}
        assert acme.line(*words, "hat", "--label", "Hat size") == {"name": "hat", "label": "Hat size"}
        assert acme.failure(*words, "shoe") == "Error: field_taken (field=shoe)"
        assert acme.failure(*words, "a b") == "Error: invalid_field_name (field=a b)"


class TestDatabase:
    def test_upgrade_makes_an_empty_one_and_leaves_a_new_one(self, tmp_path: Path) -> None:
        shell = Shell(tmp_path / "new.db")
        first = shell.line("db", "upgrade")
        assert first["from"] is None
        assert shell.line("db", "upgrade") == {"from": first["to"], "to": first["to"]}

    def test_other_commands_do_not_make_one(self, tmp_path: Path) -> None:
        shell = Shell(tmp_path / "none.db")
        assert "db upgrade" in shell.failure("org", "list")
        assert not shell.path.exists()

    def test_a_schema_that_is_not_this_programs_is_refused(self, acme: Shell) -> None:
        execute(acme, "UPDATE alembic_version SET version_num = '9999'")
        assert "newer" in acme.failure("org", "list")
        assert "newer" in acme.failure("db", "upgrade")

    @pytest.mark.parametrize("url", ["mysql://x/y", "sqlite:/x", "postgresql://nobody@127.0.0.1:1/none"])
    def test_a_database_that_cannot_be_opened_is_one_line(self, shell: Shell, url: str) -> None:
        assert shell.failure("org", "list", "--database", url).startswith("Error: ")

    def test_the_option_wins_over_the_environment(self, acme: Shell, tmp_path: Path) -> None:
        other = Shell(tmp_path / "other.db")
        other.line("db", "upgrade")
        assert acme.lines("org", "list", "--database", other.url) == []

    def test_the_index_of_people_is_marked_to_be_made_anew(self, acme: Shell) -> None:
        org_id = acme.line("org", "list")["org_id"]
        execute(acme, f"INSERT INTO index_progress VALUES ('{org_id}', 1, 5, 1, 1, NULL)")
        assert acme.line("db", "reindex", "--org", "acme") == {"reindex": [org_id]}
        assert acme.line("db", "reindex") == {"reindex": [org_id]}
        with closing(sqlite3.connect(acme.path)) as connection:
            marked = connection.execute("SELECT version, writes FROM index_progress").fetchall()
        assert marked == [(0, 7)]
        assert acme.failure("db", "reindex", "--org", "nobody").startswith("Error: no_such_org")

    def test_fsck_finds_what_contradicts_itself(self, acme: Shell) -> None:
        assert acme.text("fsck") == "clean\n"
        execute(acme, "DELETE FROM emails")
        result = acme.run("fsck")
        assert result.exit_code == 1
        assert result.stdout.strip()
        assert "problem(s) found" in result.stderr


class TestAudit:
    def test_list_shows_the_newest_first_and_of_one_entity(self, acme: Shell) -> None:
        carl = a_person(acme, "carl")
        newest = acme.lines("audit", "list", "--org", "acme", "--limit", "1")
        assert [(event["action"], event["entity_id"]) for event in newest] == [("user_created", carl)]
        assert newest[0]["personal"]["after"]["email"] == "carl@acme.example"
        assert newest[0].keys().isdisjoint({"salt", "personal_digest"})
        assert acme.lines("audit", "list", "--org", "acme", "--about", carl) == newest

    def test_verify_prints_a_verdict_for_each_organisation(self, acme: Shell) -> None:
        verdict = acme.line("audit", "verify")
        assert (verdict["ok"], verdict["unsealed"], verdict["problem"]) == (True, 0, None)
        assert acme.line("audit", "verify", "--org", "acme") == verdict

    def test_verify_is_remembered_with_what_it_found(self, acme: Shell) -> None:
        verdict = acme.line("audit", "verify")
        with closing(sqlite3.connect(acme.path)) as connection:
            rows = connection.execute("SELECT seals, events, unsealed, head, problem FROM verifications")
            assert rows.fetchall() == [
                tuple(verdict[name] for name in ("seals", "events", "unsealed", "head", "problem"))
            ]

    def test_a_broken_chain_is_exit_code_1(self, acme: Shell) -> None:
        execute(acme, "UPDATE audit_events SET action = 'nothing_happened'")
        result = acme.run("audit", "verify")
        assert result.exit_code == 1
        assert '"ok":false' in result.stdout
        assert "audit trail broken" in result.stderr

    def test_commands_are_in_the_trail_as_slacks_own_doing(self, acme: Shell) -> None:
        with closing(sqlite3.connect(acme.path)) as connection:
            actors = connection.execute("SELECT DISTINCT actor_id, client, token_id FROM audit_events")
            assert actors.fetchall() == [("USLACKUSER", "rosterd org create", None)]


class TestUsage:
    @pytest.mark.parametrize(
        "words",
        [
            ("nothing",),
            ("org", "create"),
            (
                "org",
                "create",
                "--name",
                "A",
                "--domain",
                "a",
                "--plan",
                "gold",
                "--owner-email",
                "o@a.example",
            ),
            ("org", "set", "--org", "acme", "--members-may-change-display-name", "perhaps"),
            ("user", "set-role", "--org", "acme", "--user", "x", "--role", "king"),
            ("token", "create", "--org", "acme"),
            ("token", "revoke"),
            ("serve", "--port", "http"),
            ("serve", "--colour", "red"),
        ],
    )
    def test_wrong_usage_is_exit_code_2(self, shell: Shell, words: tuple[str, ...]) -> None:
        assert "Error: " in shell.failure(*words, code=2)

    def test_help_and_version_are_exit_code_0(self, shell: Shell) -> None:
        assert shell.text("--version").startswith("rosterd, version ")
        for words in ([], ["org"], ["serve"], ["token", "create"]):
            assert shell.text(*words, "-h").startswith("Usage: rosterd")

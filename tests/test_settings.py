"""Settings: which source wins, what cannot be, and the key of the token hashes."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rosterd import settings
from rosterd.ratelimit.limits import ALL, Limit
from rosterd.settings import Settings, SettingsError, load, token_key, wants_traces

NONE: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nobody has set anything."""
    for name in ("CONFIG", "SECRET", *(name.upper() for name in Settings.__dataclass_fields__)):
        monkeypatch.delenv(f"ROSTERD_{name}", raising=False)


def toml(folder: Path, text: str) -> str:
    path = folder / "rosterd.toml"
    path.write_text(text)
    return str(path)


class TestPrecedence:
    def test_nothing_given_is_the_default(self) -> None:
        assert load(NONE) == Settings()

    def test_the_file_wins_over_the_default(self, tmp_path: Path) -> None:
        config = toml(tmp_path, 'port = 1\nbase-url = "https://x.example"\ndemo = true')
        assert load(NONE, config) == Settings(port=1, base_url="https://x.example", demo=True)

    def test_the_environment_wins_over_the_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ROSTERD_PORT", "2")
        monkeypatch.setenv("ROSTERD_DEMO", "no")
        assert load(NONE, toml(tmp_path, "port = 1\ndemo = true")) == Settings(port=2)

    def test_a_flag_wins_over_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ROSTERD_PORT", "2")
        assert load({"port": 3}).port == 3
        assert load({"port": 0}).port == 0
        assert load({"port": None}).port == 2

    def test_the_environment_may_name_the_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ROSTERD_CONFIG", toml(tmp_path, "port = 1"))
        assert load(NONE).port == 1

    def test_an_empty_variable_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ROSTERD_DATABASE", "")
        assert load(NONE).database == settings.DEFAULT_DATABASE


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("True", True), ("on", True), ("0", False), ("OFF", False), ("no", False)],
)
def test_a_truth_is_written_in_many_ways(text: str, value: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSTERD_EPHEMERAL", text)
    assert load(NONE).ephemeral is value


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("PORT", "http", "port: 'http' is not a number"),
            ("PORT", "65536", "port: 65536 is not between"),
            ("PORT", "٣", "port: '٣' is not a number"),
            ("PORT", "9" * 10, "is not a number"),
            ("PORT", "80\n", "port: '80\\n' is not a number"),
            ("PORT", "-1", "port: -1 is not between"),
            ("DEMO", "perhaps", "demo: 'perhaps' is not true or false"),
            ("BASE_URL", "x.example", "base_url: 'x.example' does not start with http"),
            ("RATE_LIMITS", "some", "rate_limits: 'some' is not one of: slack, off"),
            ("WORKERS", "0", "workers: 0 is not between 1 and 256"),
            ("WORKERS", "257", "workers: 257 is not between"),
            ("LIMITS_URL", "http://x", "limits_url: it does not start with valkey:// or valkeys:// or"),
            ("LIMITS_TABLE", "limits.toml", "limits_table: nothing is limited; set rate_limits to slack"),
        ],
    )
    def test_a_variable_that_cannot_be(
        self, name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(f"ROSTERD_{name}", value)
        with pytest.raises(SettingsError) as caught:
            load(NONE)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("port = ", "Invalid value"),
            ("port = true", "port: 'True' is not a number"),
            ('port = "--5"', "port: '--5' is not a number"),
            ('port = "-"', "port: '-' is not a number"),
            ("port = 1.5", "port: '1.5' is not a number"),
            ("host = 1\nhost = 2", "Cannot overwrite"),
            ("colour = 'red'\nprot = 1", "no such setting: colour, prot"),
        ],
    )
    def test_a_file_that_cannot_be(self, tmp_path: Path, text: str, words: str) -> None:
        with pytest.raises(SettingsError) as caught:
            load(NONE, toml(tmp_path, text))
        assert words in str(caught.value)

    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"missing\.toml"):
            load(NONE, str(tmp_path / "missing.toml"))

    def test_a_wrong_name_in_the_file_of_the_environment_is_told_with_its_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ROSTERD_CONFIG", toml(tmp_path, "colour = 'red'"))
        with pytest.raises(SettingsError, match=r"rosterd\.toml: no such setting: colour"):
            load(NONE)


class TestLimits:
    def test_off_is_no_table(self) -> None:
        assert settings.limits(load(NONE)) is None

    def test_slack_is_slacks_table(self) -> None:
        table = settings.limits(load({"rate_limits": "slack"}))
        assert table is not None
        assert table.of("E1", "acme") == ALL

    def test_a_file_changes_it(self, tmp_path: Path) -> None:
        path = toml(tmp_path, "[orgs.acme.writes]\nburst = 7")
        table = settings.limits(load({"rate_limits": "slack", "limits_table": path}))
        assert table is not None
        assert table.of("E1", "acme")["writes"] == Limit("writes", 600, 7)

    @pytest.mark.parametrize(
        ("text", "words"),
        [("[limits.write]", "no such limit: write; there are writes, reads"), ("[limits", "cannot read")],
    )
    def test_a_file_that_cannot_be_is_named(self, tmp_path: Path, text: str, words: str) -> None:
        with pytest.raises(SettingsError, match=r"rosterd\.toml") as caught:
            load({"rate_limits": "slack", "limits_table": toml(tmp_path, text)})
        assert words in str(caught.value)

    def test_several_workers_need_one_place_to_count(self) -> None:
        shared = "valkey://127.0.0.1:1"
        with pytest.raises(SettingsError, match=r"workers: 3 workers .* would allow 3 times the limits"):
            load({"rate_limits": "slack", "workers": 3})
        assert load({"rate_limits": "slack", "workers": 3, "limits_url": shared}).workers == 3
        assert load({"workers": 3}).workers == 3
        assert load({"rate_limits": "slack", "workers": 1}).workers == 1


class TestTokenKey:
    def url(self, folder: Path) -> str:
        return f"sqlite:///{folder / 'rosterd.db'}"

    def test_it_is_made_once_beside_the_database_for_its_owner_only(self, tmp_path: Path) -> None:
        key = token_key(self.url(tmp_path))
        [path] = tmp_path.iterdir()
        assert path.name == "rosterd.db.secret"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(key) == 64
        assert token_key(self.url(tmp_path)) == key

    def test_all_who_start_at_once_get_the_same(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(token_key, [self.url(tmp_path)] * 32))
        assert len(keys) == 1
        assert len(list(tmp_path.iterdir())) == 1

    def test_the_variable_wins(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ROSTERD_SECRET", "0123456789abcdef")
        assert token_key(self.url(tmp_path)) == token_key("postgresql://x/y") == b"0123456789abcdef"
        assert list(tmp_path.iterdir()) == []

    def test_a_short_key_and_one_that_others_may_read_are_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "rosterd.db.secret"
        file.write_text("short")
        with pytest.raises(SettingsError, match="others may read it"):
            token_key(self.url(tmp_path))
        file.chmod(0o600)
        with pytest.raises(SettingsError, match="too short"):
            token_key(self.url(tmp_path))
        monkeypatch.setenv("ROSTERD_SECRET", "short")
        with pytest.raises(SettingsError, match="at least 16"):
            token_key(self.url(tmp_path))

    def test_postgresql_needs_the_variable(self) -> None:
        with pytest.raises(SettingsError, match="ROSTERD_SECRET: must be set with PostgreSQL"):
            token_key("postgresql://x/y")

    def test_a_folder_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="gone"):
            token_key(self.url(tmp_path / "gone"))


ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_traces_are_wanted_where_opentelemetrys_own_variables_say_so(
    variables: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        *ENDPOINT,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_TRACES_EXPORTER",
        "OTEL_SDK_DISABLED",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert wants_traces() is wanted


class TestDelivery:
    def test_by_default_mails_become_files_from_the_servers_own_name(self) -> None:
        found = settings.delivery(load({"base_url": "https://scim.example.org"}))
        assert (found.server, found.mail_dir, found.sends) == (None, Path("rosterd-mail"), True)
        assert found.sender == "rosterd@scim.example.org"

    @pytest.mark.parametrize("base_url", ["", "http://127.0.0.1:80", "http://[::1]:80", "http://localhost"])
    def test_a_server_without_a_name_sends_from_localhost(self, base_url: str) -> None:
        assert settings.delivery(load({"base_url": base_url})).sender == "rosterd@localhost"

    def test_what_is_given_counts(self) -> None:
        given = {
            "smtp_url": "smtp://ann:pass@mail.example", "mail_from": "it@example.org", "delivery": "off",
            "delivery_seconds": 5, "retry_seconds": 2, "allow_private_webhooks": True, "mail_dir": "x",
        }  # fmt: skip
        found = settings.delivery(load(given))
        assert found.server is not None
        assert (found.server.host, found.server.port, found.server.starttls) == ("mail.example", 587, True)
        assert (found.sender, found.sends, found.attempt, found.first_wait) == ("it@example.org", False, 5, 2)
        assert (found.allow_private, found.mail_dir) == (True, Path("x"))

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("smtp_url", "http://ann:secret@mail.example", "smtp_url: it does not start with smtp://"),
            ("mail_from", "nobody", "mail_from: 'nobody' is no e-mail address"),
            ("delivery", "maybe", "delivery: 'maybe' is not one of: on, off"),
            ("delivery_seconds", 0, "delivery_seconds: 0 is not between"),
            ("retry_seconds", 3601, "retry_seconds: 3601 is not between"),
        ],
    )
    def test_what_cannot_be_is_refused_without_the_password(
        self, name: str, value: object, words: str
    ) -> None:
        with pytest.raises(SettingsError) as caught:
            load({name: value})
        assert words in str(caught.value)
        assert "secret" not in str(caught.value)

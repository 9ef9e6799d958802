"""Settings: which source wins, what cannot be, and the key of the token hashes."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rosterd import settings
from rosterd.settings import Settings, SettingsError, load, token_key

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
            ("RATE_LIMITS", "some", "rate_limits: 'some' is neither slack nor off"),
            ("RATE_LIMITS", "slack", "rate_limits: slack is not available yet"),
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

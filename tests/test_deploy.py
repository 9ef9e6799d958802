"""The files under which rosterd runs elsewhere: what can be known of them without a container engine."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from dataclasses import fields
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from rosterd import settings
from rosterd.cli import rosterd
from rosterd.cli.serve import serve
from rosterd.settings import Settings

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "deploy" / "rosterd.service"


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"][name]
    return found


def chosen(words: list[str]) -> Settings:
    """The settings that the words of a command lead to."""
    assert words[0] == "serve"
    parent = rosterd.make_context("rosterd", ["serve"])
    flags = serve.make_context("serve", words[1:], parent=parent).params
    flags.pop("config")
    return settings.load(flags)


def unit(name: str) -> str:
    [value] = re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
    return str(value)


def copied() -> list[str]:
    """What the Dockerfile takes from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    return [source for line in lines for source in shlex.split(line)[:-1]]


def test_composes_command_is_one_that_the_server_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in fields(Settings):
        monkeypatch.delenv(f"{settings.PREFIX}{option.name.upper()}", raising=False)
    found = chosen(service("rosterd")["command"])
    assert (found.workers, found.rate_limits) == (2, "slack")
    assert found.limits_url.split("/")[2].partition(":")[0] == "valkey"


def test_every_variable_of_the_example_is_read_by_somebody() -> None:
    text, database = (
        (ROOT / "deploy" / f"{name}.env.example").read_text() for name in ("rosterd", "postgres")
    )
    known = {f"{settings.PREFIX}{option.name.upper()}" for option in fields(Settings)}
    names = set(re.findall(r"^(\w+)=", text, re.MULTILINE))
    assert names - known == {"ROSTERD_SECRET"}
    assert re.findall(r"^(\w+)=(.*)", database, re.MULTILINE) == [("POSTGRES_PASSWORD", "")]
    assert not re.search(r"^ROSTERD_SECRET=.+", text, re.MULTILINE)


def test_the_database_has_the_rows_and_not_the_key_of_the_tokens() -> None:
    assert [service(name)["env_file"] for name in ("rosterd", "postgres")] == ["rosterd.env", "postgres.env"]


def test_everybody_waits_for_requests_in_progress() -> None:
    longest = Settings().shutdown_seconds
    assert int(unit("TimeoutStopSec")) > longest
    assert int(service("rosterd")["stop_grace_period"].rstrip("s")) > longest


@pytest.mark.parametrize("name", ["rosterd", "postgres", "valkey"])
def test_images_come_from_wherever_the_engine_looks_first(name: str) -> None:
    assert "." not in service(name)["image"].partition("/")[0]


def test_the_image_is_built_from_files_that_are_there_and_not_left_out() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for source in copied():
        assert (ROOT / source).exists()
        assert any(fnmatch(source, pattern) for pattern in kept)


def test_what_the_image_is_built_from_is_enough(tmp_path: Path) -> None:
    for source in copied():
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, tmp_path)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run(
        [*command, "--no-index", "--no-build-isolation", "."], cwd=tmp_path, check=True, timeout=120
    )
    [wheel] = tmp_path.glob("rosterd-*.whl")
    assert "rosterd/store/migrations/versions/0001_directory.py" in zipfile.ZipFile(wheel).namelist()


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit, with the command of this environment in place of the one in /opt."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here")
    path = tmp_path / UNIT.name
    path.write_text(
        UNIT.read_text().replace("/opt/rosterd/bin/rosterd", f"{Path(sys.executable).parent}/rosterd")
    )
    return path


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, check=False, timeout=60
    )


def test_systemd_understands_the_unit(installed: Path) -> None:
    ended = analyze("verify", "--man=no", str(installed))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert chosen([*shlex.split(unit("ExecStart"))[1:2], "--port", "1"]).port == 1


def test_systemd_finds_little_that_the_unit_exposes(installed: Path) -> None:
    """Of at most 10.0: an ordinary unit has 9.6."""
    ended = analyze("security", "--offline=yes", "--threshold=15", str(installed))
    assert ended.returncode == 0, ended.stdout

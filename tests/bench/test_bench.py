"""The benchmark does what it says. What it measures is not looked at here."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import dashboard, machine, seeds, servers, visitors
from bench.fixed import Sample
from bench.stage import Pace, Stage
from rosterd import settings
from rosterd.provisioning.cards import card
from rosterd.ratelimit.limits import ALL
from rosterd.store.engine import open_store
from rosterd.store.upkeep import fsck


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> seeds.Place:
    """An organisation that earlier runs have made. Nobody writes to it."""
    return seeds.prepared(tmp_path_factory.mktemp("kept"), 1_000)


def test_every_limit_is_lifted_and_the_locks_are_off() -> None:
    table = settings.limits(settings.load({"rate_limits": "slack", "limits_table": servers.LIMITS[-1]}))
    assert table is not None
    assert not table.locks
    lifted = table.of("E1", "bench")
    assert {limit.burst for limit in lifted.values()} == {100_000_000}
    assert lifted.keys() == ALL.keys()


def test_an_organisation_is_made_once_and_is_sound(kept: seeds.Place, tmp_path: Path) -> None:
    made = kept.database.stat().st_mtime_ns
    place = seeds.prepared(kept.folder.parent, 1_000)
    assert place.database.stat().st_mtime_ns == made
    assert len(place.ids(5_000)) == place.seed().users == 1_000
    assert {len(line) for line in place.rows.read_bytes().splitlines()} == {47}
    assert asyncio.run(_problems(place.database)) == []
    with servers.rosterd(f"sqlite:///{place.database}", tmp_path / "log") as server:
        user = servers.answer(server.url, place.seed().token, f"/scim/v2/Users/{place.ids(1)[0]}")
    assert user.status == 200


def test_every_page_that_is_measured_is_there(kept: seeds.Place, tmp_path: Path) -> None:
    database = f"sqlite:///{shutil.copy(kept.database, tmp_path)}"
    with servers.rosterd(database, tmp_path / "log") as server:
        stage = Stage("sqlite", kept, kept.seed(), server, database, database, tmp_path, Pace(0, 1))
        cookie = dashboard.signed_in(stage)
        names = dashboard.found(stage, cookie)
        addresses = stage.write("addresses", [each.path.format_map(names) for each in dashboard.ADDRESSES])
        found = visitors.looked(server.url, cookie, addresses, 0)
    assert [seen.address for seen in found if seen.status != 200] == []


async def _problems(path: Path) -> list[str]:
    store = await open_store(f"sqlite:///{path}", card=card)
    try:
        async with store.scan() as tx:
            return list(await fsck.check(tx))
    finally:
        await store.close()


def test_the_control_answers_as_it_is_told(tmp_path: Path) -> None:
    sample = Sample(200, [("content-type", "text/plain"), ("content-length", "5"), ("x-mark", "1")], "hello")
    with servers.control(sample, tmp_path) as server:
        assert servers.answer(server.url, "any", "/whatever?a=b") == sample


def test_two_runs_do_not_measure_each_other(tmp_path: Path) -> None:
    with (
        machine.ready(tmp_path),
        pytest.raises(machine.NotReady, match="another run is under way"),
        machine.ready(tmp_path),
    ):
        pass


def test_a_missing_program_is_named_with_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(machine.NotReady, match="nowhere is needed and not here: the moon"):  # noqa: SIM117
        with machine.ready(tmp_path, nowhere="the moon"):
            pass


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk makes the load")
def test_a_run_leaves_its_figures_in_a_file(kept: seeds.Place) -> None:
    folder = kept.folder.parent
    chosen = "--only get,post --sizes 1k --engines sqlite --seconds 1 --rounds 1 --folder"
    words = [sys.executable, "-m", "bench", *chosen.split(), str(folder)]
    done = subprocess.run(words, cwd=machine.ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(next(folder.glob("results-*.json")).read_bytes())
    assert [(figure["name"], figure["users"]) for figure in found["figures"]] == [
        ("GET by id", 1_000),
        ("POST user, 32 in flight", 1_000),
    ], done.stdout
    assert all(figure["value"] > 0 and figure["ratio"] > 0 for figure in found["figures"])
    assert found["notes"] == []
    assert not list(folder.glob("seeds-*/work"))

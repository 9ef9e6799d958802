"""The short form of ``make fuzz``, and that it would see what it looks for."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from rosterd.scim.errors import InvalidPath
from tests.fuzz import stored
from tests.fuzz.running import ALL, Report, case_of, run_case, run_chunk
from tests.fuzz.targets import Target

SEED = 20_261_125


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No store stays open."""
    yield
    stored.close()


def test_no_input_ends_in_anything_but_an_answer() -> None:
    report = run_chunk(SEED, 0, 6_000)
    assert report.findings == []
    assert report.cases == 6_000
    assert [target.name for target in ALL if not report.accepted.get(target.name)] == []
    assert [target.name for target in ALL if not report.refused.get(target.name)] == []


def test_a_case_is_its_number() -> None:
    assert [case_of(1, number) for number in range(200)] == [case_of(1, number) for number in range(200)]
    assert case_of(1, 7) != case_of(2, 7)


def _random_bytes(random: Random) -> bytes:
    return random.randbytes(2)


def _finds(run_error: BaseException | None) -> Report:
    def run(data: bytes) -> None:
        if run_error is not None:
            raise run_error

    report = Report()
    run_case(1, 5, report, [Target("x", _random_bytes, run)])
    return report


def test_an_error_without_an_answer_is_a_finding_that_can_be_run_again() -> None:
    [finding] = _finds(KeyError("x")).findings
    assert (finding.seed, finding.case, finding.target) == (1, 5, "x")
    assert finding.input == case_of(1, 5, [Target("x", _random_bytes, print)])[1]
    assert "KeyError" in finding.error
    assert _finds(InvalidPath("x")).refused == {"x": 1}
    assert _finds(None).accepted == {"x": 1}


def test_a_case_that_does_not_end_is_a_finding() -> None:
    def run(data: bytes) -> None:
        while True:
            try:
                int("9" * 4_000)
            except Exception:  # noqa: BLE001 - what swallows every error does not swallow this
                continue

    report = Report()
    run_case(1, 5, report, [Target("x", _random_bytes, run)])
    assert "TooSlow" in report.findings[0].error

"""The command's outermost edge: whatever goes wrong is one line."""

from __future__ import annotations

import sys

import pytest

from rosterd import cli


def test_a_fault_of_the_program_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["rosterd", "org", "list", "--database", "sqlite:///\0"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    out, err = capsys.readouterr()
    assert (caught.value.code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("Error: ")

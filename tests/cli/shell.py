"""Commands as an operator types them, and what they print."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from rosterd.cli import rosterd

UNSET = {"ROSTERD_SECRET": None, "ROSTERD_DATABASE": None, "ROSTERD_CONFIG": None}


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands on one SQLite file, named in the environment."""

    path: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def run(self, *words: str, **environment: str) -> Result:
        """The command's end, whatever it is."""
        env = UNSET | {"ROSTERD_DATABASE": self.url} | environment
        return CliRunner().invoke(rosterd, words, env=env, prog_name="rosterd")

    def text(self, *words: str) -> str:
        """What a command that succeeds prints; it says nothing on stderr."""
        result = self.run(*words)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    def lines(self, *words: str) -> list[dict[str, Any]]:
        """One JSON object for each line printed."""
        return [json.loads(line) for line in self.text(*words).splitlines()]

    def line(self, *words: str) -> dict[str, Any]:
        """The one JSON object printed."""
        [found] = self.lines(*words)
        return found

    def failure(self, *words: str, code: int = 1) -> str:
        """The one line on stderr of a command that fails with this exit code."""
        result = self.run(*words)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        if code == 1:
            [line] = result.stderr.splitlines()
            return line
        return result.stderr

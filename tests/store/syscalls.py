"""What a program asked of the kernel, in order, as strace saw it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CALLS = "fsync,fdatasync,pwrite64,pwritev,write,writev,sendto,sendmsg"

_LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. \w+ resumed>)?(?P<text>.*)")
_CALL = re.compile(r"(?P<name>\w+)\(\d+(?:<(?P<file>[^>]*)>)?(?P<data>.*)", re.DOTALL)
_UNFINISHED = " <unfinished ...>"


@dataclass(frozen=True, slots=True)
class Call:
    """One system call. ``began`` and ``ended`` are places in the order of all that happened."""

    thread: int
    name: str
    file: str  # the path, or what kind of thing the descriptor is
    data: str
    result: int
    began: int
    ended: int

    @property
    def is_sync(self) -> bool:
        """Whether it has put a file on the disk."""
        return self.name in ("fsync", "fdatasync") and self.result == 0


def strace(trace: Path, *options: str) -> list[str]:
    """The command that runs a program, as that very process, and writes its calls down.

    Skips the test where there is no strace or it may not be used; in CI that is a failure.
    """
    command = [shutil.which("strace") or "", *options]
    try:
        done = subprocess.run(
            [*command, "-o", os.devnull, "true"], capture_output=True, text=True, check=False
        )
        problem = done.stderr
    except OSError:
        problem = "it is not installed: apt install strace"
    if problem:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop(f"strace does not work here: {problem}")
    return [*command, "-D", "-f", "-y", "-s", "65536", "-o", str(trace), "-e", f"trace={CALLS}"]


def calls(trace: Path) -> list[Call]:
    """Every finished call of a program that has ended, in the order in which they ended."""
    return list(_calls(trace.read_text(errors="replace").splitlines()))


def _calls(lines: list[str]) -> Iterator[Call]:
    under_way: dict[int, tuple[int, str]] = {}
    for place, line in enumerate(lines):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        thread, text = int(found["thread"]), found["text"]
        if text.endswith(_UNFINISHED):
            under_way[thread] = place, text.removesuffix(_UNFINISHED)
            continue
        began, before = under_way.pop(thread, (place, ""))
        call, equals, result = (before + text).rpartition(" = ")
        parts = _CALL.fullmatch(call)
        number = re.match(r"-?\d+", result)
        if equals and parts is not None and number is not None:
            file, data = parts["file"] or "", parts["data"]
            yield Call(thread, parts["name"], file, data, int(number[0]), began, place)

"""The commands that the demo prints are run as they are printed, by a shell."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import httpx

from tests.cli.test_serve import environment, serving


def test_the_demo_prints_where_its_owner_signs_in_once(tmp_path: Path) -> None:
    with serving(tmp_path, "--demo") as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        [link] = re.findall(r"sign in +(http\S+)", server.stderr)
        [board] = re.findall(r"dashboard (http\S+)", server.stderr)
        assert (board, link.startswith(f"{server.url}/signin/demo/link?key=")) == (
            f"{server.url}/admin",
            True,
        )
        path, _, query = link.partition("?")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        statuses = [http.post(path, content=query, headers=form).status_code for _ in range(2)]
        assert statuses == [303, 403]
        shown = http.get(board)
        assert (shown.status_code, "Demo Org" in shown.text) == (200, True)


def test_the_demo_prints_addresses_as_they_are_from_outside(tmp_path: Path) -> None:
    with serving(tmp_path, "--demo", "--base-url", "https://scim.example.org") as server:
        assert "dashboard https://scim.example.org/admin" in server.stderr
        assert "sign in   https://scim.example.org/signin/demo/link?key=" in server.stderr


def test_the_story_of_the_demo_goes_as_it_is_told(tmp_path: Path) -> None:
    with serving(tmp_path, "--demo") as server:
        said = server.stderr[server.stderr.index("TOKEN=") :]
        # All but the lines that install slack_sdk: what they do is in tests/judges.
        commands = said[: said.index("# SCIM 1.1")] + said[said.index("# A story") :]
        told = subprocess.run(
            ["bash", "-euc", commands],
            cwd=tmp_path,
            env=environment(tmp_path),
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        mails = sorted((tmp_path / "rosterd-mail").iterdir())
    assert re.findall(r"lena@demo.example> W\w+: (\w+)", told) == ["invited", "active", "deactivated"]
    _, invited, active, gone = re.split(r"(?:^|\n|})lena <", told)
    for places in (invited, active):
        assert len(re.findall(r"^workspace ", places, re.MULTILINE)) == 2
        assert len(re.findall(r"^channel ", places, re.MULTILINE)) == 4
    assert re.findall(r"^(?:workspace|channel) ", gone, re.MULTILINE) == []
    trail = json.loads(told[told.rindex('{"entries"') :])
    assert [entry["action"] for entry in reversed(trail["entries"])] == [
        "user_created", "user_added_to_usergroup", "user_joined_workspace", "user_joined_workspace",
        "user_login", "user_deactivated", "user_left_workspace", "user_left_workspace",
    ]  # fmt: skip
    subjects = [re.search(r"^Subject: (.*)$", mail.read_text(), re.MULTILINE) for mail in mails]
    assert [subject[1] for subject in subjects if subject] == [
        "You are invited to Demo Org", "Demo Org: you were added to 2 workspaces and 4 channels",
    ]  # fmt: skip

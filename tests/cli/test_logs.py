"""What a server writes to its log, and in which form; and that no secret is ever among it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from uvicorn.protocols.http import httptools_impl

from rosterd.cli import logs
from rosterd.cli.logs import BROKEN_OFF
from tests.cli.shell import Shell
from tests.cli.test_serve import refusal, serving

PASSWORD = "Hunter2-and-more"


@pytest.fixture
def restored() -> Iterator[None]:
    """The root logger as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.usefixtures("restored")
class TestForms:
    def test_text_is_level_logger_and_message(self, capsys: pytest.CaptureFixture[str]) -> None:
        logs.set_up("text", "info")
        logging.getLogger("rosterd.web").warning("%d of %s", 3, "four")
        logging.getLogger("rosterd.web").debug("nobody asked")
        assert capsys.readouterr().err == "WARNING rosterd.web: 3 of four\n"

    def test_that_an_answer_was_broken_off_is_said_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert BROKEN_OFF in Path(httptools_impl.__file__).read_text()
        logs.set_up("text", "info")
        logging.getLogger("uvicorn.error").error(BROKEN_OFF)
        assert capsys.readouterr().err == ""

    def test_nobody_begins_a_line_by_what_they_say(self, capsys: pytest.CaptureFixture[str]) -> None:
        logs.set_up("text", "info")
        logging.getLogger("rosterd.web").info("no such user: %s", "x\nERROR rosterd: \x1b[31mforged, é")
        assert capsys.readouterr().err == (
            "INFO rosterd.web: no such user: x\\nERROR rosterd: \\x1b[31mforged, é\n"
        )

    def test_json_is_one_object_a_line_with_what_the_line_knows(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.set_up("json", "info")
        logging.getLogger("rosterd.web").info("two\nlines", extra={"request_id": "r1", "status": 404})
        [line] = lines_of(capsys.readouterr().err)
        assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
        assert line == {
            "level": "INFO",
            "logger": "rosterd.web",
            "message": "two\nlines",
            "request_id": "r1",
            "status": 404,
        }

    @pytest.mark.parametrize("form", ["text", "json"])
    def test_a_traceback_is_there_and_has_no_secret(
        self, form: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.set_up(form, "info")
        try:
            raise LookupError(f"postgresql://rosterd:{PASSWORD}@db/x")
        except LookupError:
            logging.getLogger("rosterd.web").exception("with xoxp-12-%s", PASSWORD)
        written = capsys.readouterr().err
        assert "LookupError: postgresql://rosterd:***@db/x" in written
        assert "xoxp-***" in written
        assert PASSWORD not in written


def test_choices_that_are_none_are_refused(tmp_path: Path) -> None:
    assert "log_format: 'xml' is not one of: text, json" in refusal(tmp_path, "--log-format", "xml")
    assert "log_level: 'loud' is not one of" in refusal(tmp_path, "--log-level", "loud")
    assert "metrics: 'some' is not one of" in refusal(tmp_path, "--metrics", "some")
    assert "shutdown_seconds: 9999 is not" in refusal(tmp_path, "--shutdown-seconds", "9999")


@pytest.mark.parametrize(
    "database",
    [
        f"postgresql://rosterd:{PASSWORD}@127.0.0.1:1/x",
        f"postgresql://rosterd:{PASSWORD}#@127.0.0.1:1/x",
        f"postgresql://rosterd:{PASSWORD}/@127.0.0.1:1/x",
        f"postgresql://rosterd:{PASSWORD}@[::1/x",
        f"mysql://rosterd:{PASSWORD}@127.0.0.1/x",
    ],
)
def test_a_database_that_cannot_be_reached_keeps_its_password_to_itself(
    tmp_path: Path, database: str
) -> None:
    for command in ((), ("--log-format", "json")):
        said = refusal(tmp_path, "--database", database, *command, ROSTERD_SECRET="s" * 32)
        assert PASSWORD not in said


class TestRequests:
    def test_only_what_is_refused_is_logged_unless_asked_otherwise(self, acme: Shell, tmp_path: Path) -> None:
        with serving(tmp_path, "--database", acme.url, "--log-format", "json") as server:
            assert server.status("/healthz") == 200
            assert server.status("/scim/v2/Users?filter=x") == 401
        [line] = lines_of(server.stderr)
        assert (line["route"], line["status"], line["method"]) == ("/scim/v2/Users", 401, "GET")
        assert line["org"] is None

    def test_the_access_log_has_a_line_for_each_request(self, acme: Shell, tmp_path: Path) -> None:
        token = acme.text(
            "token", "create", "--org", "acme", "--user", "olive@acme.example", "--scopes", "admin"
        )
        [token_id] = [each["token_id"] for each in acme.lines("token", "list", "--org", "acme")]
        with serving(tmp_path, "--database", acme.url, "--log-format", "json", "--access-log") as server:
            answer = httpx.get(
                f"{server.url}/scim/v2/Users?count=1", headers={"Authorization": f"Bearer {token.strip()}"}
            )
        [line] = lines_of(server.stderr)
        assert line["logger"] == "rosterd.access"
        assert line["request_id"] == answer.headers["x-request-id"]
        assert (line["path"], line["route"], line["status"]) == ("/scim/v2/Users", "/scim/v2/Users", 200)
        assert (line["token_id"], line["client_ip"]) == (token_id, "127.0.0.1")
        assert line["org"].startswith("E")
        assert line["duration_ms"] > 0

    @pytest.mark.parametrize("form", ["text", "json"])
    def test_under_load_no_secret_is_logged_or_measured(self, acme: Shell, tmp_path: Path, form: str) -> None:
        token = acme.text(
            "token", "create", "--org", "acme", "--user", "olive@acme.example", "--scopes", "admin"
        ).strip()
        secret = token.rpartition("-")[2]
        options = ("--log-format", form, "--log-level", "debug", "--access-log")

        def misuse(number: int) -> int:
            """Requests with secrets where they belong, and where they do not."""
            headers = {"Authorization": f"Bearer {token}", "X-Api-Key": token, "Cookie": f"d={token}"}
            body = {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": f"u{number}",
                "emails": [{"value": f"u{number}@acme.example"}],
                "password": PASSWORD,
            }
            with httpx.Client(base_url=f"{server.url}/scim/v2", headers=headers) as http:
                answers = [
                    http.post("/Users", json=body),
                    http.post("/Users", json=body),  # taken
                    http.post("/Users", json={"password": PASSWORD}),
                    http.get("/Users", params={"token": token, "filter": f'userName eq "{token}'}),
                    http.get("/Users", params={"filter": f'{token} eq "{PASSWORD}"'}),
                    http.get("/Users", params={"access_token": token, "password": PASSWORD}),
                    http.get(f"/Users/{token}"),
                    http.get(f"/Users/{token}%"),
                    http.get("/Users", headers={"Authorization": f"Basic {token}"}),
                    http.get("/Users", headers={"Authorization": f"Bearer {token}x"}),
                    http.patch("/Users/W0", content=f'{{"password": "{PASSWORD}", "a": {token}'),
                ]
            return sum(answer.status_code < 300 for answer in answers)

        with serving(tmp_path, "--database", acme.url, *options) as server:
            with ThreadPoolExecutor(4) as threads:
                good = sum(threads.map(misuse, range(12)))
            measured = httpx.get(f"{server.url}/metrics").text
        assert good >= 12
        written = server.stderr
        assert written.count("request ") > 12 * 11
        for text in (written, measured):
            assert secret not in text
            assert PASSWORD not in text


def test_importing_the_server_imports_no_opentelemetry() -> None:
    code = "import rosterd.cli, sys; print([name for name in sys.modules if 'opentelemetry' in name])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_traces_without_their_packages_are_a_warning(acme: Shell, tmp_path: Path) -> None:
    """The exporter is not among the packages of the tests."""
    endpoint = "http://127.0.0.1:1"
    with serving(tmp_path, "--database", acme.url, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as server:
        assert server.status("/healthz") == 200
    assert server.code == 0
    assert "no traces: No module named 'opentelemetry.exporter'" in server.stderr
    assert "rosterd[telemetry]" in server.stderr

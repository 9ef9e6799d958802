"""One live server for the clients that judge it from outside.

The clients are other people's programs, so one database kind is enough: what differs between the
engines is tested below, in tests/store and tests/protocol.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.protocol import live
from tests.protocol.live import Org, Server, serving


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server process on SQLite for the whole session of this worker."""
    folder = tmp_path_factory.mktemp("judged")
    database = f"sqlite:///{folder / 'rosterd.db'}"
    with serving("sqlite", database, folder / "stderr.log") as running:
        yield running


@pytest.fixture
def org(server: Server) -> Org:
    """An Enterprise organisation of the test's own."""
    return live.make_org(server)

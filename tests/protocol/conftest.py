"""A live server for each database kind; in it, a fresh organisation for each test.

A test that takes ``server`` (or ``make_org``, ``org``, ``api``) runs on both engines; one that takes
``version`` (or ``api``) in both versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from tests.conftest import ENGINES
from tests.protocol import live
from tests.protocol.live import Api, Org, Server, serving

MakeOrg = Callable[..., Org]


@pytest.fixture(scope="session", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server process for the whole session of this worker."""
    folder = tmp_path_factory.mktemp(f"server-{request.param}")
    with ExitStack() as stack:
        database = f"sqlite:///{folder / 'rosterd.db'}"
        if request.param == "postgresql":
            databases: Any = request.getfixturevalue("databases")
            database = stack.enter_context(databases.migrated())
        yield stack.enter_context(serving(request.param, database, folder / "stderr.log"))


@pytest.fixture(params=["v1", "v2"])
def version(request: pytest.FixtureRequest) -> str:
    """A version of the protocol, as in its path."""
    return str(request.param)


@pytest.fixture
def make_org(server: Server) -> MakeOrg:
    """Makes an organisation: ``make_org(plan="enterprise")``."""
    return partial(live.make_org, server)


@pytest.fixture
def org(make_org: MakeOrg) -> Org:
    """An Enterprise organisation of the test's own."""
    return make_org()


@pytest.fixture
def api(org: Org, version: str) -> Api:
    """A client of the owner of ``org`` in one version."""
    return org.api(version)

"""The server behind a PostgreSQL store: which host takes writes, how it is spoken to, what its errors mean.

Rules of this module:

1. A commit is on disk when it returns, and on that of a synchronous standby where there is one:
   ``synchronous_commit`` is at least ``on`` in every session, whatever the server's default.
2. Only a server that takes writes is connected to, also for reading: a standby may lag behind, and
   what is read is what the next write is decided by.
3. Nothing waits without a limit. The limits are kept on this side and not by ``statement_timeout``:
   where that strikes a commit which waits for its standby, the server answers as if it had arrived.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode, urlsplit

import asyncpg

from rosterd.store.contract import StoreError, StoreUnavailable

PATIENCE = 5.0
"""Seconds to wait for a connection, for another transaction's lock, and for a transaction's begin and end."""

LONGEST_STATEMENT, LONGEST_SCAN = 10.0, 60.0
"""Seconds until a statement, or one of a scan, is given up. They are more than `PATIENCE`: what waits
too long for a lock ends with the server's answer, and keeps its connection."""

_SCHEMES = ("postgresql://", "postgres://")

_SETTINGS = {
    "application_name": "rosterd",
    "default_transaction_isolation": "read committed",
    "lock_timeout": f"{PATIENCE:.0f}s",
    "idle_in_transaction_session_timeout": "60s",  # a process that is stopped keeps no locks for ever
    "client_connection_check_interval": "5s",  # nor does a statement that nobody waits for any more
    "jit": "off",  # its compilation costs more than any statement here
}

# More than "on", a standby that has applied the commit too, is left to whoever runs the server.
_SYNCHRONOUS = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')"
)
RISKS = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'"
"""Which settings let the server lose or damage in a crash what it has confirmed."""

# Classes of https://www.postgresql.org/docs/current/errcodes-appendix.html that say "not now".
NOT_NOW = (
    asyncpg.PostgresConnectionError,  # 08
    asyncpg.TransactionRollbackError,  # 40: serialization failure, deadlock
    asyncpg.InsufficientResourcesError,  # 53: disk full, out of memory, too many connections
    asyncpg.LockNotAvailableError,  # 55P03
    asyncpg.OperatorInterventionError,  # 57: shut down, starting up, cancelled
    asyncpg.ReadOnlySQLTransactionError,  # 25006: a standby
    asyncpg.InvalidCachedStatementError,  # the schema was changed beneath us
    asyncpg.TargetServerAttributeNotMatched,  # every host is a standby
    OSError,  # refused, reset; TimeoutError is one too
)
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,  # 28
    asyncpg.InvalidCatalogNameError,  # 3D
    asyncpg.ClientConfigurationError,
    ValueError,
)


def is_postgresql(url: str) -> bool:
    """Whether the URL is for this engine.

    >>> is_postgresql("postgres://rosterd@localhost/rosterd"), is_postgresql("sqlite:///rosterd.db")
    (True, False)
    """
    return url.startswith(_SCHEMES)


def hosts(url: str) -> list[str]:
    """The URL once for each host that it names, in its order, so that each gets time of its own.

    >>> hosts("postgresql://u:p@a:5433,b/name?sslmode=require")
    ['postgresql://u:p@a:5433/name?sslmode=require', 'postgresql://u:p@b/name?sslmode=require']
    >>> hosts("postgresql://u@/name?host=/a,/b&port=5432,5433")
    ['postgresql://u@/name?host=%2Fa&port=5432', 'postgresql://u@/name?host=%2Fb&port=5433']
    >>> hosts("postgresql://u@a/name")
    ['postgresql://u@a/name']
    """
    parts = urlsplit(url)
    user, at, places = parts.netloc.rpartition("@")
    if "," in places:
        return [parts._replace(netloc=f"{user}{at}{place}").geturl() for place in places.split(",")]
    query = dict(parse_qsl(parts.query))
    named, ports = query.get("host", "").split(","), query.get("port", "").split(",")
    if len(named) == 1:
        return [url]
    each = zip(named, ports * len(named) if len(ports) == 1 else ports, strict=True)
    queries = [query | {"host": host} | ({"port": port} if port else {}) for host, port in each]
    return [parts._replace(query=urlencode(one)).geturl() for one in queries]


async def connect(url: str) -> asyncpg.Connection:
    """A connection with this module's settings to the first host of the URL that takes writes.

    Raises :class:`StoreUnavailable` where none does, and :class:`StoreError` where one refuses the
    user or the database, or the URL cannot be read.
    """
    try:
        *others, last = hosts(url)
        patience = PATIENCE / (len(others) + 1)
        for host in others:
            with suppress(*NOT_NOW):
                return await _connect(host, patience)
        return await _connect(last, patience)
    except NOT_NOW as error:
        raise StoreUnavailable(f"cannot reach PostgreSQL: {str(error) or 'no answer in time'}") from error
    except _REFUSED as error:
        # What the standard library says of a URL that it cannot split may quote the password.
        quoting = isinstance(error, ValueError) and not isinstance(error, asyncpg.InterfaceError)
        reason = "its URL cannot be read; is the password %-encoded?" if quoting else error
        raise StoreError(f"PostgreSQL refused the connection: {reason}") from None


async def _connect(url: str, patience: float) -> asyncpg.Connection:
    async with asyncio.timeout(patience):
        connection = await asyncpg.connect(
            url,
            statement_cache_size=0,  # each connection's statements are kept by the store
            server_settings=_SETTINGS,
            target_session_attrs="read-write",
        )
        try:
            await connection.execute(_SYNCHRONOUS)
        except BaseException:
            connection.terminate()
            raise
    return connection

"""``rosterd import``: an organisation from the lines of an export, every one checked, whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO

import click

from rosterd.actions.upkeep import imports
from rosterd.cli.exchange import lines, values
from rosterd.cli.exchange.lines import BadLine, EndLine, ExportLine, Line, OrgLine
from rosterd.cli.session import database_option, find_org, operator, org_option, progress, run, show
from rosterd.directory.errors import InvalidProfile, NotAllowed
from rosterd.directory.model import Actor, Org, User, UserId
from rosterd.store import orgs, users
from rosterd.store.engine import Conflict, Store, StoreError
from rosterd.store.records import audit
from rosterd.store.upkeep import fsck, whole_org
from rosterd.store.upkeep.whole_org import Happened, Value

BATCH = 500
"""Lines in one transaction: whoever writes beside an import waits for some ten milliseconds."""

LONGEST = 8 << 20
"""Bytes of a line. The longest are events with a photo of a quarter megabyte, before and after."""

Numbered = tuple[int, Value]
Leaf = tuple[str, str]
Counts = Counter[str]

_COUNTED = {
    "User": "users",
    "Group": "groups",
    "Settled": "channels",
    "Membership": "members",
    "Happened": "events",
}


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--as-domain", metavar="D", help="Its domain here; by default the one that the file says.")
@database_option
def import_command(file: BinaryIO, as_domain: str | None, database: str) -> None:
    """Make an organisation from an export.

    FILE is what `rosterd export` wrote (- is stdin); ids stay the same. Neither the organisation's
    id nor its domain may be in use. It exists once all of it is here. What an import that was killed
    has left is removed by the next one, or by `rosterd org discard`.
    """

    async def work(store: Store) -> dict[str, object]:
        org, counts = await _import(store, _read(file), as_domain)
        return {"org_id": org.id, "domain": org.domain} | {
            name: counts[kind] for kind, name in _COUNTED.items()
        }

    show(run(database, work, create=True))


@click.command("discard")
@org_option
@database_option
def discard(org_name: str, database: str) -> None:
    """Remove what a killed import has left."""

    async def work(store: Store) -> Org:
        async with store.read() as tx:
            org = await find_org(tx, org_name)
        if not whole_org.is_unfinished(org):
            raise NotAllowed("org_finished", org=org.id)
        await _discard(store, org, operator(org, "org discard"))
        return org

    show({"org_id": run(database, work).id, "discarded": True})


async def _import(store: Store, stream: Iterator[tuple[int, Line]], domain: str | None) -> tuple[Org, Counts]:
    org = _org(stream, domain)
    actor = operator(org, "import")
    await _remove_remains(store, org, actor)
    async with store.write() as tx:
        unfinished = await imports.begin(tx, org, secrets.token_hex(8), actor=actor)
    try:
        counts, leaves = await _load(store, unfinished, stream, actor)
        await _check_whole(store, unfinished, leaves, actor)
        async with store.write() as tx:
            named = {name: counts[kind] for kind, name in _COUNTED.items()}
            await imports.finish(tx, org, named, actor=actor)
    except BaseException:  # Ctrl-C too
        with suppress(StoreError):  # then the remains wait for the next import
            await _discard(store, unfinished, actor)
        raise
    return org, counts


def _read(file: BinaryIO) -> Iterator[tuple[int, Line]]:
    """Every line with its number, under a bar that shows how much of the file is read."""
    size = os.fstat(file.fileno()).st_size if file.seekable() else 0
    with progress("import", size) as bar:
        number = 0
        while text := file.readline(LONGEST):
            number += 1
            if len(text) == LONGEST:
                raise _refusal(number, f"it is longer than {LONGEST} bytes")
            try:
                yield number, lines.read(text)
            except BadLine as error:
                raise _refusal(number, str(error)) from error
            bar.update(len(text))


def _org(stream: Iterator[tuple[int, Line]], domain: str | None) -> Org:
    """The organisation that the first two lines say."""
    first, second = next(stream, (1, None)), next(stream, (2, None))
    if not isinstance(first[1], ExportLine) or first[1].format != lines.FORMAT:
        raise _refusal(1, f"this is no export of format {lines.FORMAT}")
    if not isinstance(second[1], OrgLine):
        raise _refusal(2, "the organisation should be here")
    try:
        return values.org_of(second[1], domain)
    except BadLine as error:
        raise _refusal(2, str(error)) from error


async def _load(
    store: Store, org: Org, stream: Iterator[tuple[int, Line]], actor: Actor
) -> tuple[Counts, list[Leaf]]:
    """Store every line in batches. Returns how many of each kind, and the events without a seal."""
    counts, leaves = Counts(), list[Leaf]()
    managers: dict[UserId, int] = {}  # who is not here yet, and the first line that names them
    for batch in _batches(stream, org):
        await _add(store, org, batch, actor)
        managers = await _absent(store, org, _managers(batch)) | managers
        for _, value in batch:
            counts[type(value).__name__] += 1
            if isinstance(value, Happened) and not value.sealed:
                leaves.append(whole_org.leaf(value))
    if absent := await _absent(store, org, managers):
        number, manager = min((number, id) for id, number in absent.items())
        raise _refusal(number, str(InvalidProfile("unknown_user", user=manager)))
    return counts, leaves


def _managers(batch: Sequence[Numbered]) -> dict[UserId, int]:
    """The people whom these lines call somebody's manager, and the first line that names each."""
    people = [(number, value) for number, value in batch if isinstance(value, User)]
    return {user.profile.manager_id: n for n, user in reversed(people) if user.profile.manager_id}


async def _absent(store: Store, org: Org, named: dict[UserId, int]) -> dict[UserId, int]:
    """Those of the named who are not here."""
    if not named:
        return named
    async with store.scan() as tx:
        here = await users.briefs(tx, org.id, list(named))
    return {id: number for id, number in named.items() if id not in here}


def _batches(stream: Iterator[tuple[int, Line]], org: Org) -> Iterator[list[Numbered]]:
    """The values of the lines, up to the last line, which must say how many there were."""
    batch: list[Numbered] = []
    last = 2
    for last, line in stream:
        if isinstance(line, EndLine):
            if line.lines != last - 1:
                raise _refusal(last, f"there are {last - 1} lines before this one, not {line.lines}")
            break
        try:
            batch.append((last, values.value_of(line, org)))
        except BadLine as error:
            raise _refusal(last, str(error)) from error
        if len(batch) == BATCH:
            yield batch
            batch = []
    else:
        raise _refusal(last, "the file ends here, before its last line: it was cut off")
    yield batch
    if next(stream, None) is not None:
        raise _refusal(last + 1, "this is behind the last line")


async def _add(store: Store, org: Org, batch: Sequence[Numbered], actor: Actor) -> None:
    """Store a batch; if something in it cannot be, find out which line it is, and say so."""
    try:
        async with store.write() as tx:
            await imports.add(tx, org, [value for _, value in batch], actor=actor)
    except Conflict:
        for number, value in batch:
            try:
                async with store.write() as tx:
                    await imports.add(tx, org, [value], actor=actor)
            except Conflict as error:
                why = str(error).splitlines()[0]
                raise _refusal(number, f"repeated, or about somebody who is not there ({why})") from error


async def _check_whole(store: Store, org: Org, leaves: Sequence[Leaf], actor: Actor) -> None:
    """What no single line shows: the trail, and whether all that is stored now fits together."""
    async with store.write() as tx:
        await imports.add_unsealed(tx, org, leaves, actor=actor)
    async with store.scan() as tx:
        verdict = await audit.verify(tx, org.id)
        problems = await fsck.check(tx, org.id)
    if problems:
        raise click.ClickException(f"{len(problems)} problem(s) in what was stored, first: {problems[0]}")
    if verdict.problem:
        raise click.ClickException(f"the audit trail of the file is broken: {verdict.problem}")


async def _remove_remains(store: Store, org: Org, actor: Actor) -> None:
    async with store.read() as tx:
        found = await orgs.find(tx, org.id)
    if found is not None and whole_org.is_unfinished(found):
        click.echo("removing what an earlier import has left", err=True)
        await _discard(store, found, actor)


async def _discard(store: Store, unfinished: Org, actor: Actor) -> None:
    is_left = True
    while is_left:
        async with store.write() as tx:
            is_left = await imports.discard(tx, unfinished, actor=actor)


def _refusal(number: int, why: str) -> click.ClickException:
    return click.ClickException(f"line {number}: {why}")

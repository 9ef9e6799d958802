"""The lanes: which kinds of errands are done by what, and how much of each at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

from rosterd.delivery.config import Delivery
from rosterd.delivery.jobs import Job, Work
from rosterd.delivery.letters import MintLink, Writer
from rosterd.delivery.mail import Directory, Mailer, Smtp
from rosterd.delivery.webhooks import Poster
from rosterd.delivery.worker import Counts, Lane, Pace, Worker
from rosterd.directory.errands import Kind
from rosterd.store.engine import Store


@contextlib.asynccontextmanager
async def working(
    store: Store, config: Delivery, counts: Counts, jobs: Mapping[Kind, Work], mint: MintLink
) -> AsyncIterator[None]:
    """A worker for a process, at work while the block runs. Then it comes to its end, and all is closed.

    ``jobs`` are run whatever ``config.sends`` says: they belong to what was changed. ``mint`` makes links to
    sign in by.
    """
    # A lane for each kind: people who were chosen do not wait for those who follow from a group.
    lanes = [
        Lane(f"jobs: {kind}", {kind: Job(store, work)}, 2, 1, 1, is_timed=False)
        for kind, work in jobs.items()
    ]
    poster = Poster(store, allow_private=config.allow_private)
    if config.sends:
        lanes += [
            Lane("mail", _mail(store, config, mint), 16, 8, 8, is_one_server=True, is_repeatable=False),
            Lane("webhooks", {Kind.WEBHOOK: poster}, 32, 16, 4),
        ]
    worker = Worker(store, lanes, Pace(config.attempt, config.first_wait), counts)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await worker.stop()
        await poster.close()


def _mail(store: Store, config: Delivery, mint: MintLink) -> dict[str, Mailer]:
    outlet = Smtp(config.server, config.attempt) if config.server else Directory(config.mail_dir)
    mailer = Mailer(Writer(store, config.base_url, mint), config.sender, outlet)
    kinds = (Kind.SIGNIN_LINK, Kind.MESSAGE, Kind.INVITATION, Kind.DIGEST)  # somebody waits for a link
    return dict.fromkeys(map(str, kinds), mailer)

"""Who is about to open a door to others has shown a moment ago who they are.

A page asks when it is opened, so that nothing typed is lost; its form may be sent for a while longer.
"""

from __future__ import annotations

import time

from rosterd.dashboard import pages
from rosterd.dashboard.admin.frame import Look
from rosterd.dashboard.desk import address
from rosterd.dashboard.pages import Page
from rosterd.dashboard.signin import AGAIN
from rosterd.directory.errors import NotAllowed
from rosterd.directory.signin import FRESH_SECONDS, is_fresh

FILLING_SECONDS = 15 * 60
"""How long somebody may take to fill in a form after its page was opened in time."""


def again_link(look: Look) -> str:
    """Where somebody shows once more who they are, and comes back from; empty: they have just done so.

    For a page of which a part alone opens doors. One that shows a form with what was wrong in it asks no
    sooner than the form.
    """
    if _is_fresh(look, sent=look.visit.method == "POST"):
        return ""
    onward = {"next": address(look.visit), AGAIN: "1"}
    return pages.link(f"/signin/{look.org.domain}", onward)


def sign_in_again(look: Look) -> Page | None:
    """The way to :func:`again_link`, if there is need. For a page to begin with."""
    to = again_link(look)
    return pages.redirect(to) if to else None


def check_fresh(look: Look) -> None:
    """Refuse a form of somebody who has not shown lately who they are: ``sign_in_again``."""
    if not _is_fresh(look, sent=True):
        raise NotAllowed("sign_in_again")


def _is_fresh(look: Look, *, sent: bool) -> bool:
    within = FRESH_SECONDS + FILLING_SECONDS * sent
    return is_fresh(look.seat.session, int(time.time()), within)

"""Who is about to open a door to others has shown a moment ago who they are.

A page asks when it is opened, so that nothing typed is lost; its form may be sent for a while longer.
"""

from __future__ import annotations

from rosterd.dashboard import pages
from rosterd.dashboard.admin.frame import Look
from rosterd.dashboard.desk import address
from rosterd.dashboard.pages import Page
from rosterd.dashboard.signin import again_path, is_fresh
from rosterd.directory.errors import NotAllowed


def again_link(look: Look) -> str:
    """Where somebody shows once more who they are, and comes back from; empty: they have just done so.

    For a page of which a part alone opens doors. One that shows a form with what was wrong in it asks no
    sooner than the form.
    """
    if is_fresh(look.seat, sent=look.visit.method == "POST"):
        return ""
    return again_path(look.org, address(look.visit))


def sign_in_again(look: Look) -> Page | None:
    """The way to :func:`again_link`, if there is need. For a page to begin with."""
    to = again_link(look)
    return pages.redirect(to) if to else None


def check_fresh(look: Look) -> None:
    """Refuse a form of somebody who has not shown lately who they are: ``sign_in_again``."""
    if not is_fresh(look.seat, sent=True):
        raise NotAllowed("sign_in_again")

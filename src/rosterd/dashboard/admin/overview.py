"""The overview: how many people there are, who is invited, what happens, what fails, what expires."""

from __future__ import annotations

from rosterd.dashboard.admin.frame import Look, page
from rosterd.dashboard.pages import Page


@page("admin")
async def overview(look: Look) -> Page:
    """The first page of the Org Dashboard."""
    return look.render("overview.html")

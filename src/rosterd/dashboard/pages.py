"""What a page is: HTML out of a template, with headers that leave it little freedom.

Source: Content Security Policy Level 3; Fetch Metadata; OWASP HTTP Headers Cheat Sheet.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, TypeVar

import jinja2

from rosterd.directory.model import Origin

T = TypeVar("T")

HTML = b"text/html; charset=utf-8"
_HERE = Path(__file__).parent


class Visit(Protocol):
    """A request, as much of it as pages need."""

    method: str
    id: str
    route: tuple[str, ...]
    segments: tuple[str, ...] | None

    @property
    def params(self) -> Mapping[str, str]:
        """Query parameters, names in lower case."""

    @property
    def origin(self) -> Origin:
        """Who asks, for the audit trail."""

    def header(self, name: bytes) -> str | None:
        """The header of this name in lower case."""

    async def content(self, read: Callable[[bytes], T], most: int, /) -> T:
        """What ``read`` makes of the body: at most so many bytes, and under a limit of time."""


@dataclass(slots=True)
class Page:
    """An answer. ``cookies`` are values of Set-Cookie."""

    status: int
    body: bytes
    media: bytes = HTML
    headers: dict[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()


Handler = Callable[..., Awaitable[Page]]

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action {targets};"
    " frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

STYLE = (_HERE / "static" / "rosterd.css").read_bytes()
STYLE_PATH = f"/static/rosterd.{sha256(STYLE).hexdigest()[:12]}.css"


def _day(seconds: float | None) -> str:
    """A time as people read it.

    >>> _day(0), _day(None)
    ('1 January 1970', '')
    """
    if seconds is None:
        return ""
    when = datetime.fromtimestamp(seconds, UTC)
    return f"{when.day} {when:%B %Y}"


_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals["style"] = STYLE_PATH
_templates.filters["day"] = _day


def headers(form_target: str | None = None) -> dict[str, str]:
    """What goes with every page. ``form_target``: an origin to which a form of the page leads in the end."""
    targets = "'self'" if form_target is None else f"'self' {form_target}"
    return _HEADERS | {"Content-Security-Policy": _POLICY.format(targets=targets)}


def render(
    template: str,
    status: int = 200,
    *,
    form_target: str | None = None,
    cookies: tuple[str, ...] = (),
    **values: Any,
) -> Page:
    """The page that ``template`` makes of these values, every text of them escaped."""
    text = _templates.get_template(template).render(values)
    return Page(status, text.encode(), headers=headers(form_target), cookies=cookies)


def redirect(location: str, *, cookies: tuple[str, ...] = ()) -> Page:
    """Go there with a GET. ``location``: a path of ours, or an address that was checked."""
    return Page(303, b"", headers=headers() | {"Location": location}, cookies=cookies)


def problem(status: int, title: str, text: str, *, link: str = "", name: str = "") -> Page:
    """A page that says what is wrong and where to go on."""
    return render("problem.html", status, title=title, text=text, link=link, name=name)


def stylesheet() -> Page:
    """The one stylesheet: its address changes with its content."""
    kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Page(200, STYLE, b"text/css; charset=utf-8", kept)

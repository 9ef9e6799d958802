"""What a page is: HTML out of a template, with headers that leave it little freedom.

Source: Content Security Policy Level 3; Fetch Metadata; OWASP HTTP Headers Cheat Sheet.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar
from urllib.parse import urlencode

import jinja2

from rosterd.dashboard.words import ROLES, STATUSES
from rosterd.directory.connectors import browser
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
    """An answer. ``cookies`` are values of Set-Cookie.

    A ``body`` of parts is made while it is sent, as fast as the client takes it: it holds no transaction
    between two parts, and whatever it holds it gives back when it is closed.
    """

    status: int
    body: bytes | AsyncIterator[bytes]
    media: bytes = HTML
    headers: dict[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()


Handler = Callable[..., Awaitable[Page]]

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action {targets};"
    " frame-ancestors 'none'; base-uri 'none'"
)
_SCRIPTED = "; script-src 'self'; connect-src 'self'"
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Static(NamedTuple):
    """A file that browsers keep: its address changes with its content."""

    content: bytes
    media: bytes


def _read(name: str, media: bytes) -> tuple[str, Static]:
    content = (_HERE / "static" / name).read_bytes()
    stem, _, ending = name.partition(".")
    return f"/static/{stem}.{sha256(content).hexdigest()[:12]}.{ending}", Static(content, media)


STYLE_PATH, _style = _read("rosterd.css", b"text/css; charset=utf-8")
SCRIPT_PATH, _script = _read("rosterd.js", b"text/javascript; charset=utf-8")
ICON_PATH, _icon = _read("rosterd.svg", b"image/svg+xml")

STATIC: Mapping[str, Static] = {STYLE_PATH: _style, SCRIPT_PATH: _script, ICON_PATH: _icon}
"""By their addresses."""


_NOBODY = (_HERE / "static" / "nobody.png").read_bytes()


def day(seconds: float | None) -> str:
    """A time as people read it.

    >>> day(0), day(None)
    ('1 January 1970', '')
    """
    if seconds is None:
        return ""
    when = datetime.fromtimestamp(seconds, UTC)
    return f"{when.day} {when:%B %Y}"


def moment(seconds: float) -> str:
    """A time to the minute, as people read it.

    >>> moment(0)
    '1 Jan 1970, 00:00 UTC'
    """
    when = datetime.fromtimestamp(seconds, UTC)
    return f"{when.day} {when:%b %Y, %H:%M} UTC"


def iso(seconds: float) -> str:
    """A time as machines read it.

    >>> iso(0.5)
    '1970-01-01T00:00:00Z'
    """
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _amount(number: int) -> str:
    """A number with its thousands apart.

    >>> _amount(1234567)
    '1,234,567'
    """
    return f"{number:,}"


def link(path: str, state: Mapping[str, str], /, **changes: str | None) -> str:
    """The address of a list in this state, but for some changes. What is empty is left out.

    >>> link("/admin/members", {"q": "ann", "after": "x"}, after=None, status="active")
    '/admin/members?q=ann&status=active'
    """
    query = {name: value for name, value in {**state, **changes}.items() if value}
    return f"{path}?{urlencode(query)}" if query else path


def _a_date(text: str) -> str:
    """A date as fields for dates take it; empty: it is none, of which browsers complain.

    >>> _a_date("2026-11-25"), _a_date("2026-02-31"), _a_date("20261125")
    ('2026-11-25', '', '')
    """
    try:
        return text if date.fromisoformat(text).isoformat() == text else ""
    except ValueError:
        return ""


_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals |= {
    "style": STYLE_PATH,
    "script": SCRIPT_PATH,
    "icon": ICON_PATH,
    "link": link,
    "ROLES": ROLES,
    "STATUSES": STATUSES,
}
_templates.filters |= {
    "day": day,
    "moment": moment,
    "iso": iso,
    "amount": _amount,
    "a_date": _a_date,
    "browser": browser,
}


def headers(form_target: str | None = None, *, scripts: bool = False) -> dict[str, str]:
    """What goes with every page. ``form_target``: an origin to which a form of the page leads in the end;
    ``scripts``: our own may run."""
    targets = "'self'" if form_target is None else f"'self' {form_target}"
    policy = _POLICY.format(targets=targets) + (_SCRIPTED if scripts else "")
    return _HEADERS | {"Content-Security-Policy": policy}


def render(
    template: str,
    status: int = 200,
    *,
    form_target: str | None = None,
    scripts: bool = False,
    cookies: tuple[str, ...] = (),
    **values: Any,
) -> Page:
    """The page that ``template`` makes of these values, every text of them escaped."""
    text = _templates.get_template(template).render(values, scripts=scripts)
    return Page(status, text.encode(), headers=headers(form_target, scripts=scripts), cookies=cookies)


def fragment(template: str, **values: Any) -> str:
    """A piece of a page, for whoever puts it in by script."""
    return _templates.get_template(template).render(values)


def redirect(location: str, *, cookies: tuple[str, ...] = ()) -> Page:
    """Go there with a GET. ``location``: a path of ours, or an address that was checked."""
    return Page(303, b"", headers=headers() | {"Location": location}, cookies=cookies)


def problem(status: int, title: str, text: str, *, link: str = "", name: str = "") -> Page:
    """A page that says what is wrong and where to go on."""
    return render("problem.html", status, title=title, text=text, link=link, name=name)


def picture() -> Page:
    """The picture of whoever, and whatever, has none. Its address outlasts it; pages of others show it."""
    kept = {
        "Cache-Control": "public, max-age=86400",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return Page(200, _NOBODY, b"image/png", kept)


def static(path: str) -> Page | None:
    """The file at this address; None: there is none."""
    if (found := STATIC.get(path)) is None:
        return None
    kept = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Page(200, found.content, found.media, kept)

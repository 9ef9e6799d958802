"""Somebody with a browser: cookies, redirects one by one, forms as the pages have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx

from tests.protocol.live import Org


@dataclass(slots=True)
class Form:
    """A form: where it leads, and the fields that it sends as they stand."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)


_VOID = {"br", "hr", "img", "input", "link", "meta"}


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}  # text → href
        self.headings: list[str] = []
        self.texts: list[str] = []
        self._link: str | None = None
        self._choosing = ""
        self._area: str | None = None
        self._in: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("method", "get").lower(), urljoin(self._url, given["action"])))
        elif tag == "input" and self.forms and "name" in given:
            if given.get("type") not in ("checkbox", "radio") or "checked" in given:
                self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag in ("select", "textarea") and self.forms:
            self._choosing, self._area = given["name"], given["name"] if tag == "textarea" else None
            if tag == "textarea":
                self.forms[-1].fields[given["name"]] = ""
        elif tag == "option" and self.forms:
            if "selected" in given or self._choosing not in self.forms[-1].fields:
                self.forms[-1].fields[self._choosing] = given.get("value", "")
        elif tag == "a":
            self._link = given.get("href")
        if tag not in _VOID:
            self._in.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        while tag in self._in and self._in.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.forms[-1].fields[self._area] += data
            return
        text = " ".join(data.split())
        if not text:
            return
        if "style" not in self._in and "title" not in self._in:
            self.texts.append(text)
        if "h1" in self._in:
            self.headings.append(text)
        if "a" in self._in and self._link is not None:
            self.links[text] = self._link


@dataclass(slots=True)
class Screen:
    """A page as somebody sees it."""

    response: httpx.Response
    forms: list[Form]
    links: dict[str, str]
    heading: str
    text: str

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def path(self) -> str:
        return self.response.url.path

    def form(self, action: str) -> Form:
        """The form that leads to this path."""
        [found] = [form for form in self.forms if urlsplit(form.action).path == action]
        return found


class Browser:
    """One browser. It says where its requests come from, as browsers do, and follows nothing by itself."""

    def __init__(self, base_url: str, client: str = "a browser") -> None:
        self.base_url = base_url
        # Nothing here is TLS, and to read the certificates of the world would take each browser 20 ms.
        self.http = httpx.Client(timeout=60, trust_env=False, verify=False, headers={"User-Agent": client})

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *raised: object) -> None:
        self.http.close()

    @property
    def secret(self) -> str | None:
        """That of the session."""
        return self.http.cookies.get("rosterd")

    def ask(self, url: str, **options: object) -> httpx.Response:
        """A GET, and nothing more."""
        return self.http.get(urljoin(self.base_url, url), **options)  # type: ignore[arg-type]

    def open(self, url: str) -> Screen:
        """A GET, and wherever it leads."""
        return self._end(self.ask(url))

    def send(self, form: Form, /, **fields: str) -> Screen:
        """The form with these fields filled in, and wherever it leads."""
        return self._end(self.sent(form, fields))

    def sent(
        self, form: Form, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The same, and nothing more. ``headers``: beside, or in place of, what a browser says."""
        url = urljoin(self.base_url, form.action)
        filled = form.fields | dict(fields or {})
        if form.method == "get":
            return self.http.get(url, params=filled)
        said = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
        said |= dict(headers or {})
        return self.http.post(url, content=urlencode(filled), headers=said)

    def _end(self, response: httpx.Response) -> Screen:
        for _ in range(10):
            if not response.has_redirect_location:
                return screen(response)
            response = self.http.get(urljoin(str(response.url), response.headers["location"]))
        raise AssertionError("redirects without end")


def screen(response: httpx.Response) -> Screen:
    """What a page shows."""
    reader = _Reader(str(response.url))
    reader.feed(response.text)
    return Screen(response, reader.forms, reader.links, " ".join(reader.headings), " ".join(reader.texts))


def parameters(url: str) -> dict[str, str]:
    """What the query of a URL says."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def signin_path(org: Org, user: str) -> str:
    """The path of a link for the person with this id or address."""
    link = org.run("signin-link", "--user", user, "--base-url", org.server.url).strip()
    return link.removeprefix(org.server.url)


def sign_in(browser: Browser, org: Org, user: str) -> Screen:
    """Signs in by a link; gives the page that comes then."""
    path = signin_path(org, user)
    return browser.send(browser.open(path).form(path.partition("?")[0]))

"""The watch sees what it has to see: pages with faults, under a policy as strict as ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser import chromium, keyboard
from tests.browser.chromium import Watch, barriers

POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'"
SITE = "http://pages.example"
FAULTLESS = """<!doctype html><html lang="en"><title>Page</title><link rel="stylesheet" href="/style.css">
<main><h1>Page</h1><p><a href="/">One</a> and <a href="/">two</a></p></main>"""


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def page(browser: Browser, watch: Watch) -> Iterator[Page]:
    """A window on a site that is not there: see :func:`show`."""
    opened = chromium.window(browser, SITE, watch)
    yield opened
    opened.context.close()


def show(page: Page, body: str, *, script: str = "", style: str = "", status: int = 200) -> None:
    """Open a page with this HTML. Beside it, ``/script.js`` and ``/style.css`` are there."""

    def answer(route: Route) -> None:
        match route.request.url.removeprefix(SITE):
            case "/":
                headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html"}
                route.fulfill(status=status, body=body, headers=headers)
            case "/script.js":
                route.fulfill(body=script, content_type="text/javascript")
            case "/style.css":
                route.fulfill(body=style, content_type="text/css")
            case "/away":
                route.abort()
            case _:
                route.fulfill(status=404)

    page.route("**/*", answer)
    page.goto("/")
    page.wait_for_timeout(50)  # what a page does when it is there


def test_a_page_without_fault_is_no_problem(page: Page, watch: Watch) -> None:
    show(page, FAULTLESS)
    assert (watch.problems, barriers(page)) == ([], [])


@pytest.mark.parametrize(
    ("more", "script", "told"),
    [
        ("<script>1</script>", "", "CSP: script-src-elem forbids inline"),
        ("<p style='color: red'>red</p>", "", "CSP: style-src-attr forbids inline"),
        ("<img alt='' src='http://elsewhere.example/a'>", "", "CSP: img-src forbids http://elsewhere.example/a"),
        ("<script src='/script.js'></script>", "eval('1')", "CSP: script-src forbids eval"),
        ("<script src='/script.js'></script>", "nothing.there", "an error in a script: "),
        ("<script src='/script.js'></script>", "console.warn('oh')", "on the console of"),
        ("<img alt='' src='/missing.png'>", "", "GET http://pages.example/missing.png: 404"),
        ("<img alt='' src='/away'>", "", "GET http://pages.example/away failed: net::ERR_FAILED"),
    ],
)  # fmt: skip
def test_what_goes_wrong_on_a_page_is_noticed(
    page: Page, watch: Watch, more: str, script: str, told: str
) -> None:
    show(page, FAULTLESS + more, script=script)
    assert [problem for problem in watch.problems if told in problem], watch.problems


def test_a_server_that_fails_is_noticed_and_a_refusal_is_not(page: Page, watch: Watch) -> None:
    show(page, FAULTLESS, status=403)
    assert watch.problems == []
    page.unroute_all()
    show(page, FAULTLESS, status=500)
    assert watch.problems == ["GET http://pages.example/: 500"]


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ("<img src='/style.css'>", "image-alt"),
        ("<p><input>", "label"),
        ("<p class='faint'>Faint", "color-contrast"),
        ("<h4>Too deep</h4>", "heading-order"),
        ("<main>Another</main>", "landmark-no-duplicate-main"),
        ("<p><a class='tiny' href='/'>a</a><a class='tiny' href='/'>b</a>", "target-size"),
    ],
)
def test_a_barrier_is_named_though_scripts_are_forbidden(page: Page, more: str, rule: str) -> None:
    style = (
        ".faint { color: #aaa } .tiny { display: inline-block; width: 8px; height: 8px; overflow: hidden }"
    )
    show(page, FAULTLESS.replace("</main>", f"{more}</main>"), style=style)
    assert rule in [found.partition(" ")[0] for found in barriers(page)]


def test_what_a_keyboard_cannot_reach_or_show_is_noticed(page: Page) -> None:
    style = "a { outline: none } .cover { position: fixed; inset: 0; background: white }"
    more = "<button tabindex='-1'>Unreachable</button><div class='cover'></div>"
    show(page, FAULTLESS.replace("</main>", f"{more}</main>"), style=style)
    wanted = keyboard.expected(page)
    stops = keyboard.walk(page, 9)
    assert (len(wanted), len(stops)) == (3, 2)
    assert {(stop.marked, stop.hidden) for stop in stops} == {(False, True)}

"""A real browser: Debian's Chromium, as Playwright drives it, and what must not happen in it unnoticed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    StorageState,
    sync_playwright,
)

PATH = shutil.which("chromium")
"""None: there is none here."""

_FLAGS = (
    "--no-sandbox",  # which root has to say
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

WIDE, NARROW = (1280, 800), (360, 740)
"""Widths and heights of windows."""

_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", event =>
    console.error(`CSP: ${event.violatedDirective} forbids ${event.blockedURI} ${event.sample}`));
"""
_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def running() -> Iterator[Browser]:
    """A browser without windows. It looks up nothing and calls nobody by itself."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PATH, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass  # without slots: Playwright keeps its wrapper of a method in the object
class Watch:
    """What has gone wrong in the windows of a context."""

    problems: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        context.add_init_script(_TELL_VIOLATIONS)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.problems.append(f"an error in a script: {error.error}"))
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        # That something could not be loaded is told by the answer, which says what.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"on the console of {message.page and message.page.url}: {message.text}")

    def _failed(self, request: Request) -> None:
        # Aborted is what a page itself has given up: a download, or a stream that it has left.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"{request.method} {request.url} failed: {request.failure}")

    def _answered(self, response: Response) -> None:
        wrong = 500 if response.request.is_navigation_request() else 400
        if response.status >= wrong:
            self.problems.append(f"{response.request.method} {response.url}: {response.status}")


def window(
    browser: Browser,
    base_url: str,
    watch: Watch,
    *,
    seat: StorageState | None = None,
    scheme: str = "light",
    size: tuple[int, int] = WIDE,
    scripts: bool = True,
) -> Page:
    """A page in a context of its own. ``seat``: the cookies of somebody; None: nobody is signed in."""
    context = browser.new_context(
        base_url=base_url,
        storage_state=seat,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": size[0], "height": size[1]},
        java_script_enabled=scripts,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(10_000)
    watch.over(context)
    return context.new_page()


def barriers(page: Page) -> list[str]:
    """What axe-core finds wrong with the page, each a rule, where, and what would help.

    Evaluated by the browser's debugger, to which the page's policy does not apply, so that it stays in force.
    """
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_AXE)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", _RULES)
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}\n"
        + "\n".join(
            f"    {' '.join(map(str, node['target']))}\n        {_indented(node['failureSummary'])}"
            for node in rule["nodes"][:5]
        )
        for rule in found["violations"]
    ]


def _indented(text: str) -> str:
    return " ".join(line.strip() for line in text.splitlines())


def check_axe(page: Page, look: str = "") -> None:
    """No rule of WCAG 2.2 AA, nor a best practice that axe-core knows, is broken on this page."""
    found = barriers(page)
    assert not found, "\n".join([f"{page.url} {look}:", *found])

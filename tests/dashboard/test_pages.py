from __future__ import annotations

import hashlib

import pytest

from rosterd.dashboard import pages
from rosterd.dashboard.patience import MAIL_COST, MAILS, MOST_KEYS, Patience


def test_whatever_is_put_into_a_page_is_text() -> None:
    page = pages.problem(400, "<b>", "\"'&", link="/x?a=b&c", name="<i>")
    assert isinstance(page.body, bytes)
    text = page.body.decode()
    assert "<h1>&lt;b&gt;</h1>" in text
    assert "<p>&#34;&#39;&amp;</p>" in text
    assert '<a href="/x?a=b&amp;c">&lt;i&gt;</a>' in text
    assert "<b>" not in text


def test_a_form_may_lead_where_the_page_says_and_nowhere_else() -> None:
    policy = pages.headers("https://app.example")["Content-Security-Policy"]
    assert "form-action 'self' https://app.example;" in policy
    assert "form-action 'self';" in pages.headers()["Content-Security-Policy"]


@pytest.mark.parametrize("path", [pages.STYLE_PATH, pages.SCRIPT_PATH, pages.ICON_PATH])
def test_a_static_file_is_named_by_its_content_and_kept_for_ever(path: str) -> None:
    page = pages.static(path)
    assert page is not None
    assert isinstance(page.body, bytes)
    assert hashlib.sha256(page.body).hexdigest()[:12] in path
    assert "immutable" in page.headers["Cache-Control"]
    assert pages.static(path.replace("rosterd.", "rosterd.0")) is None


def test_scripts_run_where_a_page_says_so_and_only_our_own() -> None:
    assert "script-src" not in pages.headers()["Content-Security-Policy"]
    assert "; script-src 'self'; " in pages.headers(scripts=True)["Content-Security-Policy"]


def test_patience_has_an_end_for_each_key_and_forgets_the_oldest() -> None:
    patience = Patience()
    assert [patience.allows("ann", MAILS, MAIL_COST) for _ in range(7)] == [True] * 5 + [False] * 2
    assert patience.allows("bob", MAILS, MAIL_COST)
    for number in range(MOST_KEYS):
        patience.allows(str(number), MAILS, MAIL_COST)
    assert patience.allows("ann", MAILS, MAIL_COST)

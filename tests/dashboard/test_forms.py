from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import pytest

from rosterd.dashboard import forms
from rosterd.directory.errors import DirectoryError
from rosterd.directory.model import Origin

pytestmark = pytest.mark.anyio
T = TypeVar("T")

BASE = "https://scim.example.org"


class Sent:
    """A form that was sent: as much of a request as forms look at."""

    method = "POST"
    id = "1"
    route: tuple[str, ...] = ()
    segments: tuple[str, ...] | None = ()
    params: Mapping[str, str] = {}
    origin = Origin("1")

    def __init__(self, body: bytes = b"", **headers: str) -> None:
        self._body = body
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def header(self, name: bytes) -> str | None:
        return self._headers.get(name.decode())

    async def content(self, read: Callable[[bytes], T], most: int, /) -> T:
        return read(self._body)


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "none"}, True),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "cross-site", "origin": BASE}, False),
        ({"sec_fetch_site": "same-origin", "origin": "https://evil.example"}, True),  # the browser knows best
        ({"origin": BASE}, True),
        ({"origin": "http://127.0.0.1:8080", "host": "127.0.0.1:8080"}, True),
        ({"origin": "https://evil.example", "host": "scim.example.org"}, False),
        ({"origin": "https://scim.example.org.evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
    ],
)
async def test_a_form_is_taken_from_our_own_pages(headers: dict[str, str], is_ours: bool) -> None:
    sent = Sent(
        b"a=1&b=%C3%A9&a=2&c", content_type="application/x-www-form-urlencoded; charset=utf-8", **headers
    )
    if is_ours:
        assert await forms.fields(sent, BASE) == {"a": "2", "b": "é", "c": ""}
    else:
        with pytest.raises(DirectoryError) as caught:
            await forms.fields(sent, BASE)
        assert caught.value.code == "cross_site_request"


@pytest.mark.parametrize("body", [b"a=%ff", b"a=\xc3\xa9", b"&".join([b"a=1"] * 1_101)])
async def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(DirectoryError) as caught:
        await forms.fields(Sent(body, content_type="application/x-www-form-urlencoded"), BASE)
    assert caught.value.code == "invalid_form_data"


async def test_whoever_is_ticked_is_there_and_of_other_fields_the_last_counts() -> None:
    ids = [f"W{n:010}" for n in range(1_000)]
    body = "&".join(["user=", *(f"user={id}" for id in ids), "a=1&a=2", f"user={ids[0]}"]).encode()
    given = await forms.fields(Sent(body, content_type="application/x-www-form-urlencoded"), BASE)
    assert forms.ticked(given) == ids
    assert given["a"] == "2"

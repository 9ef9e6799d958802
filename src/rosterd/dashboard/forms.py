"""What people send: fields of a form, taken from our own pages alone.

Source: Fetch Metadata Request Headers (W3C), §2.4; OWASP Cross-Site Request Forgery Prevention Cheat Sheet.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from rosterd.dashboard.pages import Visit
from rosterd.directory.errors import Invalid, NotAllowed

MAX_FORM = 64 * 1024
MAX_FIELDS = 1_100
MANY = "user"
"""The field that a form may have often: whoever is ticked in a list, :func:`ticked`."""
_FORM = "application/x-www-form-urlencoded"


async def fields(visit: Visit, base_url: str) -> Mapping[str, str]:
    """The fields of a form that one of our pages has sent; the last of a name counts, and every `MANY`.

    Raises ``cross_site_request``, ``invalid_form_data``, and what reading a body raises.
    """
    check_same_site(visit, base_url)
    media = (visit.header(b"content-type") or "").partition(";")[0].strip().lower()
    if media != _FORM:
        raise Invalid("invalid_form_data")
    return await visit.content(_parsed, MAX_FORM)


def ticked(given: Mapping[str, str]) -> list[str]:
    """The ids of those who are ticked, once each.

    >>> ticked({"user": "W1 W2 W1"}), ticked({})
    (['W1', 'W2'], [])
    """
    return list(dict.fromkeys(given.get(MANY, "").split()))


def check_same_site(visit: Visit, base_url: str) -> None:
    """Refuse what another site has made a browser send: ``cross_site_request``.

    Browsers say where a request comes from: newer ones in ``Sec-Fetch-Site``, older ones in ``Origin``.
    What says neither is no browser, and no browser's cookie is with it.
    """
    site = visit.header(b"sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise NotAllowed("cross_site_request")
        return
    origin = visit.header(b"origin")
    if origin is None:
        return
    mine = {urlsplit(base_url).netloc, visit.header(b"host")}
    if "://" not in origin or origin.partition("://")[2] not in mine:
        raise NotAllowed("cross_site_request")


def _parsed(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise Invalid("invalid_form_data") from error
    many = " ".join(value for name, value in pairs if name == MANY)
    return dict(pairs) | ({MANY: many} if many else {})

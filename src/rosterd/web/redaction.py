"""Secrets leave no trace: what a log or a trace may not show is blotted out of any text.

Nothing here writes down a header, a body or a query. This is for what comes along unasked: a token that
somebody put into a path, a password in what a library says about a database's URL.
"""

from __future__ import annotations

import re

_SECRETS = re.compile(
    r"(?P<token>xox[a-z](?:-|%2D))[\w%-]+"  # rosterd's tokens, and Slack's of all kinds
    r"|(?P<word>\b(?:bearer|password['\"]?\s*[=:])\s*['\"]?)[^\s'\"&,;}]+",
    re.IGNORECASE,
)
# A client may have had its say in a text: what is read once here is not read again.
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{0,20}://[^\s\"']*", re.IGNORECASE)
_USER = re.compile(r"://[^\s/:@\"']{0,200}:")


def redacted(text: str) -> str:
    r"""The text with ``***`` for tokens, passwords in URLs, and what follows ``Bearer`` or ``password=``.

    >>> redacted("GET /scim/v2/Users/xoxp-12-ab: 404")
    'GET /scim/v2/Users/xoxp-***: 404'
    >>> redacted("GET /scim/v2/Users/xoxp%2D12%2Dab: 404")
    'GET /scim/v2/Users/xoxp%2D***: 404'
    >>> redacted("no answer from postgresql://rosterd:p@ss#w/rd@db/x")
    'no answer from postgresql://rosterd:***@db/x'
    >>> redacted('Authorization: Bearer abc, {"password": "hunter2"}, ?password=x&a=b')
    'Authorization: Bearer ***, {"password": "***"}, ?password=***&a=b'
    """
    text = _URL.sub(_without_password, text)
    return _SECRETS.sub(lambda found: (found["token"] or found["word"]) + "***", text)


def _without_password(found: re.Match[str]) -> str:
    """A URL without what is between the first colon behind a user's name and the last @."""
    whole, end = found[0], found[0].rfind("@")
    user = _USER.search(whole, 0, max(end, 0))
    return whole if user is None else f"{whole[: user.end()]}***{whole[end:]}"

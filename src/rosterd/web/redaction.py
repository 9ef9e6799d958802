"""Secrets leave no trace: what a log or a trace may not show is blotted out of any text.

Nothing here writes down a header, a body or a query. This is for what comes along unasked: a token that
somebody put into a path, a password in what a library says about a database's URL.
"""

from __future__ import annotations

import re

_SECRETS = re.compile(
    r"(?P<token>xox[a-z](?:-|%2D))[\w%-]+"  # rosterd's tokens, and Slack's of all kinds
    # A URL, from the colon to the last @. Bounded: a client may have had its say in a text.
    r"|(?P<user>\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@\"']{0,200}:)[^\s\"']{0,2000}(?=@)"
    r"|(?P<word>\b(?:bearer|password['\"]?\s*[=:])\s*['\"]?)[^\s'\"&,;}]+",
    re.IGNORECASE,
)


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
    return _SECRETS.sub(lambda found: (found["token"] or found["user"] or found["word"]) + "***", text)

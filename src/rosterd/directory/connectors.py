"""What program speaks: a guess from the name that it gives itself.

Rules of this module:

1. A guess decides nothing but what people are shown: a client may say of itself what it likes.
2. The first row of `_KNOWN` that is found in a name counts, whatever its case.

Source: the User-Agent that each program sends, as seen in its documentation, its source or its requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

LABELS: Mapping[str, str] = {
    "okta": "Okta",
    "entra": "Microsoft Entra",
    "google": "Google Workspace",
    "onelogin": "OneLogin",
    "jumpcloud": "JumpCloud",
    "authentik": "authentik",
    "ping": "Ping Identity",
    "rippling": "Rippling",
    "sailpoint": "SailPoint",
    "cyberark": "CyberArk",
    "keycloak": "Keycloak",
    "slack_sdk": "Slack SDK",
    "terraform": "Terraform",
    "import": "Import",
    "rosterd": "Command line",
    "dashboard": "Dashboard",
    "script": "Script",
    "other": "Something else",
}
"""Every connector there is, as people call it."""

_KNOWN: tuple[tuple[str, str], ...] = (
    # rosterd itself: commands, and what it does by itself
    (r"^rosterd (org )?import\b", "import"),
    (r"^rosterd( |$)", "rosterd"),
    # identity providers
    (r"\bokta\b", "okta"),  # Okta SCIM Client 1.0.0
    (r"\bgoogle[ -]?(\w+[ -])?auto-?provisioning", "google"),  # Google-Auto-Provisioning
    (r"\bonelogin\b", "onelogin"),  # OneLogin SCIM
    (r"\bjump ?cloud\b", "jumpcloud"),
    (r"\bauthentik@|\bgoauthentik\b", "authentik"),  # authentik@2025.2.0
    (r"\bping ?(federate|one|identity)\b", "ping"),
    (r"\brippling\b", "rippling"),
    (r"\bsailpoint\b", "sailpoint"),
    (r"\b(cyberark|idaptive|centrify)\b", "cyberark"),
    (r"\bkeycloak\b", "keycloak"),
    # Slack's own SDKs in Python, Java and JavaScript
    (r"\bslackclient/|\bjava-slack-sdk\b|\bslack-api-client/|^@slack[:/]", "slack_sdk"),
    (r"\bterraform\b", "terraform"),
    # Some scripts claim to be a browser, too.
    (r"\b(windows)?powershell/", "script"),
    (r"\b(curl|wget|httpie|postmanruntime|insomnia|bruno)\b", "script"),
    (r"\bpython-(httpx|requests|urllib3?)\b|^python-urllib|\baiohttp/", "script"),
    (r"\b(go-http-client|okhttp|axios|node-fetch|undici|guzzlehttp|faraday|reqwest)\b", "script"),
    (r"^(java|ruby|node|perl|libwww-perl|apache-httpclient|ansible-httpget)\b", "script"),
    (r"^mozilla/", "dashboard"),
    # Azure AD, AzureAD-…, Microsoft-…, Microsoft Azure AD SCIM provisioning: after browsers and PowerShell
    (r"\bazure ?ad|\bazure active directory\b|\bentra\b|^microsoft\b", "entra"),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), name) for pattern, name in _KNOWN)


@lru_cache(maxsize=1024)
def connector(client: str) -> str:
    """Which of `LABELS` a client is. ``client``: its User-Agent, or the command.

    >>> connector("Okta SCIM Client 1.0.0"), connector("Microsoft Azure AD SCIM provisioning 1.2.3")
    ('okta', 'entra')
    >>> connector("Google-Auto-Provisioning"), connector("OneLogin SCIM"), connector("authentik@2025.2.0")
    ('google', 'onelogin', 'authentik')
    >>> connector("Python/3.11.2 slackclient/3.27.0 Linux/6.1"), connector("slack-api-client/1.45.3; Java")
    ('slack_sdk', 'slack_sdk')
    >>> connector("curl/8.7.1"), connector("python-httpx/0.28.1"), connector("connector/1.0"), connector("")
    ('script', 'script', 'other', 'other')

    What a person was made or changed by is told the same way:

    >>> connector("rosterd user create"), connector("rosterd import"), connector("Mozilla/5.0 (X11)")
    ('rosterd', 'import', 'dashboard')
    """
    return next((name for pattern, name in _PATTERNS if pattern.search(client)), "other")


# The first that is found: most browsers name those that they descend from, too.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("CrOS", "ChromeOS"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser(client: str) -> str:
    """Which browser a User-Agent is of, as people call it; what is none is given back.

    >>> browser("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (like Gecko) Chrome/156.0 Safari/5")
    'Chrome on Linux'
    >>> browser("Mozilla/5.0 (Windows NT 10.0; rv:146.0) Gecko/20100101 Firefox/146.0"), browser("curl/8.7.1")
    ('Firefox on Windows', 'curl/8.7.1')
    """
    if not client.startswith("Mozilla/"):
        return client
    name = next((name for mark, name in _BROWSERS if mark in client), "")
    system = next((name for mark, name in _SYSTEMS if mark in client), "")
    return " on ".join(filter(None, (name, system))) or client

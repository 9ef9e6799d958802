"""Names and addresses: how they are folded, shaped and refused.

Two people are the same when the key of their username or e-mail address is the same, so keys are
made here and nowhere else. Usernames and addresses are ASCII: no case map of Unicode can make two
of them meet (``ı``, ``ſ`` and the Kelvin sign among them).

Source: Slack SCIM API reference, headings *User attributes* and *Errors*; *SCIM provisioning
limitations* for the namespace that usernames share with channel names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator

from rosterd.directory.errors import Invalid

USERNAME_LENGTH = 21
DISPLAY_NAME_LENGTH = 80
GROUP_NAME_LENGTH = 255
HANDLE_LENGTH = 80
"""Of a user group. Slack states no length; this is a channel name's, whose namespace handles share."""
EMAIL_LENGTH = 254

ERASED_PREFIX = "erased-"
ERASED_DOMAIN = "erased.invalid"
"""What the username and the address of somebody forgotten are made of: nobody else may have such."""

RESERVED_NAMES = frozenset({"channel", "everyone", "group", "here", "slackbot", "subteam"})
"""Words that nobody may be called: Slack names none, these are its mentions and its own accounts."""

RESERVED_DISPLAY_NAMES = frozenset({"channel", "everyone", "group", "here", "slackbot"})
"""Display names that would pass for a mention of everybody."""

RESERVED_DOMAINS = frozenset(
    {
        "admin", "api", "audit", "directory", "healthz", "home", "metrics", "oauth", "readyz", "scim",
        "signin", "signout", "static",
    }
)  # fmt: skip
"""What addresses of the server itself begin with: those of an organisation begin with its domain."""

_USERNAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_LOCAL_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+/=?^_`{|}~.-")
_DOMAIN_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_SUBDOMAIN_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_DISPLAY_SPECIALS = frozenset("._-'()[]{},/; ")


def folded(text: str) -> str:
    """The form in which two names are compared: compatibility-composed, caseless.

    >>> folded("Straße") == folded("STRASSE"), folded("Ａnn") == folded("ann")
    (True, True)
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def account_key(text: str) -> str:
    """The form in which a username or an e-mail address is looked up.

    Both are ASCII. What is not equals nobody: ``ſam`` is not Sam, whatever Unicode's case maps say.

    >>> account_key("Ann@Example.com"), account_key("ſam")
    ('ann@example.com', 'ſam')
    """
    return text.lower() if text.isascii() else text


def full_name(given: str, family: str, *otherwise: str) -> str:
    """Given and family name; without both, the first of the others that is not empty.

    >>> full_name("Ann", ""), full_name("", "", "", "ann")
    ('Ann', 'ann')
    """
    return f"{given} {family}".strip() or next(filter(None, otherwise), "")


def username_of(text: str) -> str:
    """The Slack username that a plain ``userName`` becomes, at most 21 characters.

    Lower case; every character but letters, digits, period, underscore and hyphen becomes an
    underscore. Raises `Invalid`: ``username_empty``, ``username_invalid``, ``username_too_long``.

    >>> username_of("Ann Example")
    'ann_example'
    """
    name = _shaped(text)
    if len(name) > USERNAME_LENGTH:
        raise Invalid("username_too_long", user=text[:80])
    return name


def username_of_email(address: str) -> str:
    """The username that an e-mail address given as ``userName`` becomes: its local part, cut.

    >>> username_of_email("Bartholomew.Featherstone-Smythe@example.com")
    'bartholomew.featherst'
    """
    local, _, _ = address.strip().partition("@")
    return _shaped(local)[:USERNAME_LENGTH]


_SHAPED = re.compile(rf"(?!{ERASED_PREFIX})[._-]*[a-z0-9][a-z0-9._-]*")
"""Usernames that stay as they are: nearly all."""


def _shaped(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid("username_empty")
    if _SHAPED.fullmatch(text):
        return text
    ascii_only = "".join(c if c.isascii() else "_" for c in text)  # first: the Kelvin sign's lower case is k
    name = "".join(c if c in _USERNAME_CHARACTERS else "_" for c in ascii_only.lower())
    if not any(c.isalnum() for c in name):
        raise Invalid("username_invalid", user=text[:80])
    if name.startswith(ERASED_PREFIX):
        raise Invalid("username_not_allowed", user=text[:80])
    return name


_NUMBER = re.compile(r"[2-9]|[1-9][0-9]{1,3}")


def numbered(stem: str, taken: Collection[str]) -> Iterator[str]:
    """Usernames like ``stem`` that are not ``taken``: the stem itself, then with 2, 3, … 9999.

    The stem is shortened so that the number fits.

    >>> next(numbered("ann", {"ann", "ann2"}))
    'ann3'
    """
    if stem not in taken:
        yield stem
    for number in range(2, 10_000):
        suffix = str(number)
        name = stem[: USERNAME_LENGTH - len(suffix)] + suffix
        if name not in taken:
            yield name


def is_numbered(name: str, stem: str) -> bool:
    """Whether ``name`` is one that :func:`numbered` makes of ``stem``: so it need not change.

    >>> is_numbered("ann2", "ann"), is_numbered("anna", "ann"), is_numbered("ann007", "ann")
    (True, False, False)
    """
    digits = name[len(name.rstrip("0123456789")) :]
    suffixes = (digits[start:] for start in range(len(digits)))
    return name == stem or any(
        name == stem[: USERNAME_LENGTH - len(suffix)] + suffix
        for suffix in suffixes
        if _NUMBER.fullmatch(suffix)
    )


def email_address(text: str) -> str:
    """``text`` as an e-mail address, as given but for white space around it.

    Raises `Invalid`: ``email_empty`` or ``bad_email_address``.

    >>> email_address(" Ann@example.com ")
    'Ann@example.com'
    """
    address = text.strip()
    if not address:
        raise Invalid("email_empty")
    local, at, domain = address.lower().rpartition("@")
    fits = (
        at
        and address.isascii()
        and len(address) <= EMAIL_LENGTH
        and 0 < len(local) <= 64
        and _LOCAL_CHARACTERS.issuperset(local)
        and _DOMAIN_CHARACTERS.issuperset(domain)
        and all(label and label[0] != "-" != label[-1] for label in domain.split("."))
        and ".." not in local
        and domain != ERASED_DOMAIN
    )
    if not fits:
        raise Invalid("bad_email_address", email=address[:EMAIL_LENGTH])
    return address


_PLAIN = re.compile(rf"[A-Za-z0-9._ -]{{0,{DISPLAY_NAME_LENGTH}}}")
"""Display names that stay as they are: most."""


def display_name(text: str, *, username: str = "") -> str:
    """``text`` as a person's display name, at most 80 characters.

    Letters and digits of every language, space and ``. _ - ' ( ) [ ] { } , / ;`` are kept, every
    other special character becomes an underscore. Raises `Invalid`: ``invalid_starts_with_at``,
    ``invalid_name_specials`` (an ``@``), ``invalid_emoji_not_allowed``, ``invalid_name_maxlength``,
    ``invalid_reserved_word``, with the ``username`` of whose it would be.

    >>> display_name("Ann (Sales & Ops)")
    'Ann (Sales _ Ops)'
    """
    name = text.strip()
    if _PLAIN.fullmatch(name) and name.lower() not in RESERVED_DISPLAY_NAMES:
        return name
    if name.startswith("@"):
        raise Invalid("invalid_starts_with_at", user=username)
    if "@" in name:
        raise Invalid("invalid_name_specials", user=username)
    check_no_emoji(name)
    if len(name) > DISPLAY_NAME_LENGTH:
        raise Invalid("invalid_name_maxlength", user=username)
    if folded(name) in RESERVED_DISPLAY_NAMES:
        raise Invalid("invalid_reserved_word", user=username)
    return "".join(c if c in _DISPLAY_SPECIALS or _is_word(c) else "_" for c in name)


def group_name(text: str) -> str:
    """``text`` as a group's name. Raises `Invalid`: ``invalid_attribute_format``, ``invalid_name_maxlength``.

    >>> group_name(" Sales ")
    'Sales'
    """
    name = text.strip()
    if not name:
        raise Invalid("invalid_attribute_format", attribute="displayName")
    if len(name) > GROUP_NAME_LENGTH:
        raise Invalid("invalid_name_maxlength")
    return name


def handle(text: str) -> str:
    """``text`` as a user group's handle, lower case and without its @; empty: none.

    Raises ``bad_handle`` (*usergroups.create*). Which characters Slack takes it does not say: these are a
    username's.

    >>> handle("@Marketing-Team"), handle(" ")
    ('marketing-team', '')
    """
    name = text.strip().removeprefix("@").lower()
    if not _USERNAME_CHARACTERS.issuperset(name) or len(name) > HANDLE_LENGTH:
        raise Invalid("bad_handle", handle=name[:HANDLE_LENGTH])
    return name


def check_domain(domain: str) -> None:
    """Refuse what cannot be the domain of an organisation or workspace: ``invalid_domain``."""
    if not domain or not _SUBDOMAIN_CHARACTERS.issuperset(domain) or len(domain) > 63:
        raise Invalid("invalid_domain", domain=domain[:80])


def check_org_domain(domain: str) -> None:
    """Refuse what cannot be the domain of a new organisation: ``invalid_domain``, ``domain_reserved``."""
    check_domain(domain)
    if domain in RESERVED_DOMAINS:
        raise Invalid("domain_reserved", domain=domain)


def check_no_emoji(text: str) -> None:
    """Refuse a text with an emoji in it: ``invalid_emoji_not_allowed``."""
    if not text.isascii() and any(_is_emoji(c) for c in text):
        raise Invalid("invalid_emoji_not_allowed")


def _is_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")


def _is_emoji(character: str) -> bool:
    # Pictographs and their modifiers; letters of every language lie outside these ranges.
    code = ord(character)
    return (
        0x1F000 <= code <= 0x1FAFF
        or 0x2600 <= code <= 0x27BF
        or 0x1F1E6 <= code <= 0x1F1FF
        or code in (0xFE0F, 0x20E3, 0x2B50, 0x2B55)
    )

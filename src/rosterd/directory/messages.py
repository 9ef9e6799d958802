"""Rules about messages: how long they are, whom they mention, and what a conversation of two is called.

Source: Slack, *chat.postMessage* (headings *Channels*, *Truncating content*); *Formatting message text*,
heading *Mentioning users*.
"""

from __future__ import annotations

import re

from rosterd.directory.errors import Invalid
from rosterd.directory.ids import is_slack_id
from rosterd.directory.model import Plan, UserId
from rosterd.directory.plans import RULES

TEXT_LENGTH = 40_000
"""Characters of a message. Slack cuts off what is above; here it is refused, and nothing gets lost."""

_MENTION = re.compile(r"<@([UW][A-Z0-9]{1,30})(?:\|[^<>]*)?>")


def check_text(text: str) -> None:
    """Refuse a message without text or with too much: ``no_text``, ``msg_too_long``."""
    if not text.strip():
        raise Invalid("no_text")
    if len(text) > TEXT_LENGTH:
        raise Invalid("msg_too_long")


def mentioned(text: str) -> list[UserId]:
    """Who is mentioned, each once, in order. Mentions of groups or of everybody are nobody's in particular.

    >>> mentioned("<@W2> and <@U1|ann>, <@W2> again; <!here> <@nobody> &lt;@U3&gt;")
    ['W2', 'U1']
    """
    return [UserId(id) for id in dict.fromkeys(_MENTION.findall(text))]


def person_of(to: str, plan: Plan) -> UserId | None:
    """Who is meant by a person's id, or by that of the conversation of two with them; None: no person.

    >>> person_of("D0123456789", Plan.ENTERPRISE), person_of("C0123456789", Plan.ENTERPRISE)
    ('W0123456789', None)
    """
    if is_slack_id(to, "UW"):
        return UserId(to)
    return UserId(RULES[plan].user_prefix + to[1:]) if is_slack_id(to, "D") else None


def conversation_with(person: UserId) -> str:
    """The id of the conversation of two with somebody: theirs, with another letter.

    >>> conversation_with(UserId("W0123456789"))
    'D0123456789'
    """
    return "D" + person[1:]

"""``chat.postMessage`` over HTTP: what it answers, and in which words it refuses.

Source: Slack's page *chat.postMessage*. Who is told of a message is tested in tests/actions/test_messages.py,
and the mail that comes of it in test_deliveries.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.protocol import inside
from tests.protocol.live import Body, Org, WebApi

SCOPES = ("chat:write", "channels:write", "groups:write")


@dataclass(frozen=True, slots=True)
class Room:
    """A channel of the first workspace with ann in it, who acts in that workspace; bob is in neither."""

    org: Org
    api: WebApi
    ann: str
    bob: str
    channel: str

    def says(self, text: str, to: str = "", **more: Any) -> Body:
        return self.api.ok("chat.postMessage", channel=to or self.channel, text=text, **more)


@pytest.fixture
def room(org: Org) -> Room:
    ann, bob = org.create_user("ann"), org.create_user("bob")
    inside.put_in(org.server.database, org.org_id, {org.team_id: [ann]})
    api = org.web_api(*SCOPES, of=ann, team=org.team_id)
    channel = api.ok("conversations.create", name="deals")["channel"]["id"]
    return Room(org, api, ann, bob, channel)


def test_what_was_said_is_said_back_and_kept_nowhere(room: Room) -> None:
    before = room.org.events()
    said = room.says("hello <@W0NOBODY000>")
    assert said == {
        "channel": room.channel,
        "ts": said["ts"],
        "message": {
            "user": room.ann,
            "type": "message",
            "ts": said["ts"],
            "text": "hello <@W0NOBODY000>",
            "team": room.org.team_id,
        },
    }
    seconds, _, micros = said["ts"].partition(".")
    assert (int(seconds) > 1_700_000_000, len(micros)) == (True, 6)
    assert room.org.events() == before


def test_a_channel_is_named_by_id_or_in_its_workspace_by_name(room: Room) -> None:
    for to in ("#deals", "deals"):
        assert room.says("hello", to)["channel"] == room.channel
    everywhere = room.org.web_api(*SCOPES)
    assert everywhere.error("chat.postMessage", channel="#deals", text="hello") == "team_not_found"
    assert everywhere.error("chat.postMessage", channel="deals", text="hello") == "channel_not_found"
    assert everywhere.error("chat.postMessage", channel=room.channel, text="hello") == "not_in_channel"


def test_a_person_is_written_to_by_their_id_or_that_of_the_conversation(room: Room) -> None:
    said = room.says("hello", room.bob, thread_ts="1700000000.000100")
    assert said["channel"] == "D" + room.bob[1:]
    assert said["message"]["thread_ts"] == "1700000000.000100"
    assert room.says("hello", said["channel"])["channel"] == said["channel"]


def test_text_may_stand_in_blocks_attachments_and_markdown(room: Room) -> None:
    mention = {"type": "rich_text_section", "elements": [{"type": "user", "user_id": room.bob}]}
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": "one"}},
        {"type": "rich_text", "elements": [mention, {"type": "text", "text": "two"}]},
    ]
    attachments = [{"fallback": "three"}]

    def said(**given: Any) -> str:
        return str(room.api.ok("chat.postMessage", channel=room.channel, **given)["message"]["text"])

    assert said(blocks=json.dumps(blocks)) == f"one\n<@{room.bob}>\ntwo"
    assert said(blocks=json.dumps(blocks), attachments=json.dumps(attachments)).endswith("\nthree")
    assert said(blocks=json.dumps(blocks), text="instead") == "instead"
    assert said(markdown_text="**four**") == "**four**"
    as_json = {"channel": room.channel, "blocks": blocks}
    assert room.api.said(room.api.send("chat.postMessage", json=as_json))["message"]["text"].startswith("one")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, "no_text"),
        ({"text": " "}, "no_text"),
        ({"blocks": "[]"}, "no_text"),
        ({"blocks": '[{"type": "divider"}]'}, "no_text"),
        ({"blocks": "{"}, "invalid_blocks_format"),
        ({"blocks": '{"type": "divider"}'}, "invalid_blocks_format"),
        ({"attachments": '["a"]'}, "invalid_blocks_format"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"markdown_text": "a", "text": "b"}, "markdown_text_conflict"),
        ({"markdown_text": "a", "blocks": "[]"}, "markdown_text_conflict"),
        ({"text": "a", "channel": ""}, "invalid_arguments"),
        ({"text": "a", "channel": "C0NOTHING00"}, "channel_not_found"),
        ({"text": "a", "channel": "W0NOBODY000"}, "channel_not_found"),
        ({"text": "a", "channel": "general"}, "not_in_channel"),
    ],
)
def test_what_cannot_be_posted_is_refused(room: Room, given: dict[str, str], error: str) -> None:
    assert room.api.error("chat.postMessage", **{"channel": room.channel} | given) == error


def test_a_private_channel_is_as_none_to_whoever_is_not_in_it(room: Room) -> None:
    secret = room.api.ok("conversations.create", name="secret", is_private="1")["channel"]["id"]
    assert room.says("hello", secret)["channel"] == secret
    inside.put_in(room.org.server.database, room.org.org_id, {room.org.team_id: [room.bob]})
    bob = room.org.web_api("chat:write", of=room.bob, team=room.org.team_id)
    for to in (secret, "secret"):
        assert bob.error("chat.postMessage", channel=to, text="hello") == "channel_not_found"

"""Headers and bytes of an answer."""

from __future__ import annotations

from rosterd.web.reply import Reply


def headers_of(reply: Reply) -> dict[bytes, bytes]:
    return dict(reply.raw_headers(len(reply.content()), "request-1"))


def test_a_body_is_compact_json_in_utf_8_with_slacks_content_type() -> None:
    reply = Reply(200, {"displayName": "Zoë", "title": None})
    assert reply.content() == '{"displayName":"Zoë","title":null}'.encode()
    assert headers_of(reply) == {
        b"content-type": b"application/json;charset=utf-8",
        b"content-length": b"35",
        b"x-request-id": b"request-1",
    }


def test_no_body_has_no_type_and_a_204_no_length() -> None:
    assert headers_of(Reply(200)) == {b"content-length": b"0", b"x-request-id": b"request-1"}
    assert headers_of(Reply(204)) == {b"x-request-id": b"request-1"}


def test_headers_are_lower_cased_and_never_break() -> None:
    headers = headers_of(Reply(400, {}, {"X-Reason": "田", "Retry-After": "1"}))
    assert headers[b"x-reason"] == b"?"
    assert headers[b"retry-after"] == b"1"

"""Bad input is a SCIM error in the version's envelope and changes nothing; never HTML, never a traceback."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.protocol.live import Api, Org, detail, ok

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"userName": "x"',
    "text after the end": b"{} {}",
    "an array": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "a number": b"7",
    "a form": b"userName=x&schemas=y",
    "XML": b"<?xml version='1.0'?><user/>",
    "a key twice": b'{"schemas": ["x"], "userName": "a", "userName": "b"}',
    "a key twice in other case": b'{"schemas": ["x"], "userName": "a", "username": "b"}',
    "a key twice below": b'{"schemas": ["x"], "name": {"givenName": "a", "givenname": "b"}}',
    "NaN": b'{"schemas": ["x"], "userName": NaN}',
    "infinity": b'{"schemas": ["x"], "userName": -Infinity}',
    "a number too large": b'{"schemas": ["x"], "userName": 1e999}',
    "digits without end": b'{"schemas": ["x"], "userName": ' + b"9" * 10_000 + b"}",
    "half a surrogate pair": b'{"schemas": ["x"], "userName": "\\ud800"}',
    "half a surrogate pair as a key": b'{"schemas": ["x"], "\\udc00": "a"}',
    "NUL": b'{"schemas": ["x"], "userName": "a\\u0000b"}',
    "a raw control character": b'{"schemas": ["x"], "userName": "a\x00b"}',
    "no UTF-8": b'{"schemas": ["x"], "userName": "\xff"}',
    "UTF-16": '{"schemas": ["x"]}'.encode("utf-16"),
    "a million brackets": b"[" * 1_000_000,
    "a million objects": b'{"a":' * 1_000_000,
    "forty-one levels": b'{"a":' * 41 + b"1" + b"}" * 41,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_no_document_is_refused_everywhere(org: Org, api: Api, body: bytes) -> None:
    user, group = api.create_user("ann"), api.create_group("g")
    events = org.events()
    for verb, path in (
        ("POST", "Users"),
        ("PUT", f"Users/{user['id']}"),
        ("PATCH", f"Users/{user['id']}"),
        ("POST", "Groups"),
        ("PUT", f"Groups/{group['id']}"),
        ("PATCH", f"Groups/{group['id']}"),
    ):
        api.check_refused(api.send(verb, path, body), "invalid_request_payload")
    assert api.user(user["id"]) == user
    assert ok(api.get(f"Groups/{group['id']}")) == group
    assert ok(api.get("Users"))["totalResults"] == 2
    assert org.events() == events


WRONG: list[dict[str, Any]] = [
    {"schemas": "urn:scim:schemas:core:1.0"},
    {"schemas": [7]},
    {"userName": ["ann"]},
    {"userName": {"value": "ann"}},
    {"nickName": 7},
    {"name": ["Ann"]},
    {"name": {"givenName": 7}},
    {"displayName": []},
    {"title": {}},
    {"timezone": 7},
    {"active": 1},
    {"active": "yes"},
    {"active": []},
    {"emails": "x" * 300},
    {"emails": [{"value": ["a@example.com"]}]},
    {"photos": [{"value": {}}]},
    {"profileUrl": "javascript:alert(1)"},
    {"title": "x" * 4_001},
]


@pytest.mark.parametrize("change", WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("verb", ["POST", "PUT"])
def test_a_value_of_a_wrong_type_is_refused(org: Org, api: Api, verb: str, change: dict[str, Any]) -> None:
    if (verb, *change) == ("PUT", "profileUrl"):
        return  # ignored after creation
    user = api.create_user("ann")
    path = "Users" if verb == "POST" else f"Users/{user['id']}"
    name = "bob" if verb == "POST" else "ann"
    refused = api.send(verb, path, api.user_body(name) | change)
    api.check_refused(refused, detail(refused))
    assert api.user(user["id"]) == user
    assert ok(api.get("Users"))["totalResults"] == 2


def test_a_body_above_eight_megabytes_is_refused(api: Api) -> None:
    large = json.dumps(api.user_body("ann", title="x" * 9_000_000)).encode()
    api.check_refused(api.post("Users", large), "request_too_large", 413)


def test_a_large_body_without_a_length_is_refused(api: Api) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 100_000

    headers = {"Authorization": f"Bearer {api.token}"}
    refused = api.http.post(f"{api.root}/Users", content=pieces(), headers=headers)
    api.check_refused(refused, "request_too_large", 413)


def raw(api: Api, method: str, target: str) -> tuple[int, dict[str, Any], str]:
    """Status, body and media type of a request whose target goes over the wire as it is."""
    address = urlsplit(api.base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    try:
        connection.request(method, target, headers={"Authorization": f"Bearer {api.token}"})
        response = connection.getresponse()
        return response.status, json.loads(response.read()), response.getheader("content-type", "")
    finally:
        connection.close()


PATHS = [
    "/scim/{v}//Users",
    "//scim/{v}/Users",
    "/scim//{v}/Users",
    "/scim/{v}/Users//",
    "/scim/{v}/Users//{id}",
    "/scim/{v}/Users%2F{id}",
    "/scim/{v}%2FUsers",
    "/scim/{v}/Users/%2e%2e%2fUsers",
    "/scim/{v}/Users/{id}/x",
    "/scim/{v}/Users/{id}%00",
    "/scim/{v}/Users/%ff",
    "/scim/{v}/Users/%5c",
    "/scim/{v}/Users/..%5c",
    "/scim/{v}/users",
    "/scim/{v}/Robots",
    "/scim/{v}/Bulk",
    "/scim/{v}/Me",
    "/scim/{v}/Users/.search/x",
    "/scim/{v}",
    "/scim/{v}/",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_no_route_has_is_a_bad_endpoint(org: Org, api: Api, path: str) -> None:
    target = path.format(v=api.version, id=org.owner_id)
    for method in ("GET", "DELETE"):
        status, body, media_type = raw(api, method, target)
        envelopes = [api.error("bad_endpoint", 404)]
        if target.startswith(("//", "/scim//")) or "%2FUsers" in target:  # no version where it belongs
            envelopes.append(org.api("v1").error("bad_endpoint", 404))
        assert status == 404
        assert body in envelopes
        assert media_type == "application/json;charset=utf-8"
    assert api.user(org.owner_id)["active"] is True


@pytest.mark.parametrize(
    "segment", ["..", ".", "%2e%2e", "W0", "x" * 5_000, "%C3%A9", "%F0%9F%98%80", "a%20b", "'--"]
)
@pytest.mark.parametrize("path", ["Users", "Groups"])
def test_an_id_of_any_form_is_unknown(api: Api, path: str, segment: str) -> None:
    code = "no_such_user" if path == "Users" else "no_such_group"
    for method in ("GET", "DELETE"):
        status, body, _ = raw(api, method, f"/scim/{api.version}/{path}/{segment}")
        assert (status, body) == (404, api.error(code, 404))


@pytest.mark.parametrize("version", ["v3", "V2", "v1.1", "2", "latest", "%00"])
def test_an_unknown_version_is_told_so(org: Org, version: str) -> None:
    api = org.api("v1")
    status, body, _ = raw(api, "GET", f"/scim/{version}/Users")
    expected = ("bad_endpoint", 404) if version == "%00" else ("unsupported_version", 400)
    assert (status, body) == (expected[1], api.error(*expected))


@pytest.mark.parametrize(
    "path", ["/index.html", "/robots.txt", "/apis/users.list", "/scim", "/SCIM/v1/Users"]
)
def test_what_is_no_scim_path_is_a_bad_endpoint_too(org: Org, path: str) -> None:
    api = org.api("v1")
    assert raw(api, "GET", path)[:2] == (404, api.error("bad_endpoint", 404))


VERBS = [
    ("POST", "ServiceProviderConfigs"),
    ("DELETE", "Schemas/Users"),
    ("PUT", "Users"),
    ("PATCH", "Users"),
    ("DELETE", "Users"),
    ("POST", "Users/W0"),
    ("PUT", "Groups"),
    ("POST", "Groups/S0"),
    ("OPTIONS", "Users"),
    ("TRACE", "Users"),
    ("PROPFIND", "Groups"),
]


@pytest.mark.parametrize(("verb", "path"), VERBS)
def test_a_wrong_verb_is_told_which_are_right(api: Api, verb: str, path: str) -> None:
    refused = api.send(verb, path)
    api.check_refused(refused, "method_not_allowed", 405)
    allowed = refused.headers["allow"].split(", ")
    assert "GET" in allowed
    assert verb not in allowed


def test_a_head_is_refused_without_a_body(api: Api) -> None:
    refused = api.send("HEAD", "Users")
    assert (refused.status_code, refused.content) == (405, b"")


@pytest.mark.parametrize("query", ["filter=%ff", "&".join(f"a{n}=1" for n in range(101)), "filter=%C3%28"])
def test_a_query_that_is_no_text_is_refused(api: Api, query: str) -> None:
    api.check_refused(api.get(f"Users?{query}"), "invalid_query")


def test_twenty_thousand_operations_are_the_most(api: Api) -> None:
    user = api.create_user("ann")
    change = {"op": "replace", "path": "title", "value": "x"}
    api.check_refused(api.patch_user(user["id"], *[change] * 20_001), "invalid_request_payload")
    assert api.user(user["id"]) == user


def test_a_body_of_an_unknown_media_type_is_read_as_json(api: Api) -> None:
    headers = {"Content-Type": "text/plain", "Accept": "text/html"}
    response = api.send("POST", "Users", api.user_body("ann"), headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (201, "application/json;charset=utf-8")

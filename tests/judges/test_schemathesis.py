"""Schemathesis: requests, good and bad, made up from the OpenAPI document of the server itself.

Whatever is sent, the answer is none of the server's faults, and it is as the document says: status, headers,
media type, body. The ids of the paths are made up too; half of the requests get one that exists instead.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from rosterd.web.openapi import document
from tests.protocol import live
from tests.protocol.live import Org, Server

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
    unsupported_method,
]

_RULED = ("nickName", "displayName", "name", "photos", "groups", "profileUrl", "timezone", "title")
"""Attributes with rules that no schema can say, whose breach is a 400."""

_numbers = itertools.count(1)

api = schemathesis.openapi.from_dict(document("http://127.0.0.1"))


@pytest.fixture(scope="module")
def fuzzed(server: Server) -> Org:
    """One organisation for all of the requests of this module."""
    return live.make_org(server)


@pytest.fixture
def ids(fuzzed: Org) -> dict[str, str]:
    """Ids that exist, by the name of the resource in paths: new ones for each operation."""
    name = f"subject-{next(_numbers)}"
    user_id = fuzzed.api("v2").create_user(name)["id"]
    return {"Users": user_id, "Groups": fuzzed.api("v2").create_group(name, user_id)["id"]}


def test_the_document_is_the_one_that_is_served(server: Server) -> None:
    served = server.http.get(f"{server.url}/openapi.json")
    assert served.json() == document(server.url)


def fit(case: Any, ids: dict[str, str]) -> None:
    """Make a request one that can succeed: an id that exists, a username and an address within the rules.

    What was made up to be refused stays as it is.
    """
    resource = case.path.split("/")[3]
    if resource in ids and "{id}" in case.path:
        case.path_parameters["id"] = ids[resource]
    if case.meta.generation.mode is GenerationMode.POSITIVE and "emails" in _names(case.body):
        name = f"fitting-{next(_numbers)}"
        case.body |= {"userName": name, "emails": [{"value": f"{name}@example.com"}]}
        case.body = {key: case.body[key] for key in case.body if key not in _RULED}


def checks(case: Any) -> list[Any]:
    """A body that the document refuses is refused; unknown parameters, such as Entra's flag, are ignored."""
    modes = {part: info.mode for part, info in case.meta.components.items()}
    modes.pop(ParameterLocation.HEADER, None)  # a made-up token is replaced by one that counts
    negated = {part for part, mode in modes.items() if mode is GenerationMode.NEGATIVE}
    return [*CHECKS, negative_data_rejection] if negated == {ParameterLocation.BODY} else CHECKS


def _names(body: Any) -> set[str]:
    return set(body) if isinstance(body, dict) else set()


@api.given(fits=st.booleans())
@api.parametrize()
@settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
def test_every_answer_is_as_the_document_says(
    case: Any, fits: bool, fuzzed: Org, ids: dict[str, str]
) -> None:
    if fits:
        fit(case, ids)
    headers = {"Authorization": f"Bearer {fuzzed.token}"}
    case.call_and_validate(base_url=fuzzed.server.url, headers=headers, checks=checks(case))

"""The OpenAPI document says what the routes and the table of attributes say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rosterd.provisioning.attributes import ATTRIBUTES
from rosterd.scim.dialect import DIALECTS, V2, Dialect
from rosterd.web.openapi import document
from rosterd.web.scim import ROUTES

DOCUMENT = document("https://scim.example.com")
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (path, method, item[method])
    for path, item in DOCUMENT["paths"].items()
    for method in METHODS
    if method in item
]
dialects = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for below in node.values():
            yield from references(below)
    elif isinstance(node, list):
        for below in node:
            yield from references(below)


def resolved(reference: str) -> Any:
    place: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


def test_every_route_is_there_in_its_versions() -> None:
    expected = {
        (
            "/".join(("/scim", version, *("{id}" if step == "*" else step for step in route.path))),
            method.lower(),
        )
        for route in ROUTES
        for version in route.versions
        for method in route.handlers
    }
    assert {(path, method) for path, method, _ in OPERATIONS} == expected


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert found
    assert all(resolved(reference) for reference in found)
    used = {reference.rpartition("/")[2] for reference in found}
    assert set(SCHEMAS) <= used


def test_operations_have_names_of_their_own() -> None:
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_says_what_can_go_wrong(path: str, method: str, operation: dict[str, Any]) -> None:
    statuses = set(operation["responses"])
    assert {"400", "401", "403", "404", "405", "500", "503"} <= statuses
    assert (
        ({"409", "413"} <= statuses) == ("requestBody" in operation) == (method in ("post", "put", "patch"))
    )
    assert (operation.get("security") == []) == ("ServiceProviderConfig" in path)


@dialects
def test_success_is_as_the_dialect_says(dialect: Dialect) -> None:
    wanted = dialect.statuses
    for path, method, status in (
        ("Users", "post", wanted.create),
        ("Users/{id}", "put", wanted.replace),
        ("Users/{id}", "patch", wanted.patch_user),
        ("Users/{id}", "delete", wanted.delete_user),
        ("Groups/{id}", "patch", wanted.patch_group),
        ("Groups/{id}", "delete", wanted.delete_group),
    ):
        responses = DOCUMENT["paths"][f"/scim/{dialect.name}/{path}"][method]["responses"]
        assert [code for code in responses if code < "300"] == [str(status)]


@dialects
def test_answers_have_slacks_content_type_and_each_version_its_own_errors(dialect: Dialect) -> None:
    for status in ("401", "404"):
        response = DOCUMENT["components"]["responses"][f"{dialect.name}_{status}"]
        [(content_type, content)] = response["content"].items()
        assert content_type == "application/json;charset=utf-8"
        assert set(content["schema"]["required"]) == set(dialect.error_body("x", int(status)))


@dialects
def test_every_attribute_is_shown_but_the_password(dialect: Dialect) -> None:
    shown = SCHEMAS[f"User_{dialect.name}"]["properties"]
    for row in ATTRIBUTES:
        extension, _, rest = row.path.rpartition(":")
        place = shown[dialect.extensions[extension]]["properties"] if extension else shown
        steps = rest.split(".")
        for step in steps[:-1]:
            place = place[step]["properties"]
        assert (steps[-1] in place) == (row.path != "password")


def test_only_2_0_knows_the_patch_message() -> None:
    assert "PatchOp_v2" in SCHEMAS
    assert "PatchOp_v1" not in SCHEMAS
    assert V2.patch_urn is not None

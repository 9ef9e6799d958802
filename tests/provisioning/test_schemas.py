"""What the service says of itself follows from the table of attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rosterd.provisioning import schemas
from rosterd.provisioning.attributes import ATTRIBUTES, Attribute
from rosterd.scim.dialect import DIALECTS, V1, V2, Dialect

BASE = "https://scim.example.com"
dialects = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


def named(attributes: list[dict[str, Any]], path: str) -> dict[str, Any]:
    """The description of an attribute, or of a part of one."""
    first, _, rest = path.partition(".")
    [found] = [each for each in attributes if each["name"] == first]
    return named(found["subAttributes"], rest) if rest else found


def every(attributes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in attributes:
        yield each
        yield from every(each.get("subAttributes", []))


@dialects
@pytest.mark.parametrize("row", ATTRIBUTES, ids=lambda row: row.path)
def test_every_row_is_described(row: Attribute, dialect: Dialect) -> None:
    extension, _, path = row.path.rpartition(":")
    urn = dialect.extensions[extension] if extension else dialect.user_urn
    found = named(schemas.schemas(dialect, BASE)[urn]["attributes"], path)
    assert (found["type"], found["multiValued"], found["mutability"], found["required"]) == (
        row.type, row.multi_valued, row.mutability, row.required,
    )  # fmt: skip
    assert found["returned"] == ("never" if row.shape == "never" else "default")
    assert [sub["name"] for sub in found.get("subAttributes", [])] == list(row.sub_attributes)


@dialects
def test_an_attribute_has_what_rfc_7643_asks_for(dialect: Dialect) -> None:
    wanted = {"name", "type", "multiValued", "required", "caseExact", "mutability", "returned", "uniqueness"}
    for schema in schemas.schemas(dialect, BASE).values():
        for attribute in every(schema["attributes"]):
            assert wanted <= attribute.keys()
            assert (attribute["type"] == "complex") == bool(attribute.get("subAttributes"))
            assert (attribute["type"] == "reference") == ("referenceTypes" in attribute)


@dialects
def test_the_users_schema_shows_the_extensions_too(dialect: Dialect) -> None:
    names = [each["name"] for each in schemas.user_schema(dialect, BASE)["attributes"]]
    assert names[-3:] == list(dialect.extensions.values())
    assert "userName" in names


def test_2_0_has_a_schema_for_each_resource_and_extension() -> None:
    assert set(schemas.schemas(V2, BASE)) == {V2.user_urn, V2.group_urn, *V2.extensions.values()}
    for urn, schema in schemas.schemas(V2, BASE).items():
        assert schema["id"] == urn
        assert schema["meta"]["location"] == f"{BASE}/scim/v2/Schemas/{urn}"


def test_1_1_schemas_say_their_endpoint() -> None:
    assert schemas.user_schema(V1, BASE)["endpoint"] == "/Users"
    assert schemas.group_schema(V1, BASE)["endpoint"] == "/Groups"


def test_resource_types_name_their_schema_and_extensions() -> None:
    found = schemas.resource_types(V2, BASE)
    assert [found[id]["schema"] for id in ("User", "Group")] == [V2.user_urn, V2.group_urn]
    assert [each["schema"] for each in found["User"]["schemaExtensions"]] == list(V2.extensions.values())
    assert found["Group"]["meta"]["location"] == f"{BASE}/scim/v2/ResourceTypes/Group"


def test_the_service_admits_to_patch_only() -> None:
    config = schemas.SERVICE_PROVIDER_CONFIG
    supported = {name for name, value in config.items() if isinstance(value, dict) and value["supported"]}
    assert supported == {"patch"}
    assert config["filter"] == {"supported": False, "maxResults": 0}

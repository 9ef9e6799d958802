"""What the address of the list of members means, and the files that come of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest

from rosterd.dashboard import exports
from rosterd.dashboard.admin.members import history, profile
from rosterd.dashboard.admin.members.selection import COLUMNS, DEFAULT_COLUMNS, read
from rosterd.directory import trail
from rosterd.directory.facets import Facet, Sort
from rosterd.directory.model import Profile
from rosterd.provisioning.attributes import ATTRIBUTES
from rosterd.store.people.search import Wanted
from rosterd.store.records.audit import Record

pytestmark = pytest.mark.anyio


def test_an_empty_address_means_everybody() -> None:
    found = read({})
    assert found.wanted == Wanted((), (), Sort.NEWEST)
    assert (found.q, found.columns, found.after, found.state, found.problems) == (
        "",
        DEFAULT_COLUMNS,
        None,
        {},
        (),
    )


def test_every_filter_is_read_and_kept() -> None:
    params = {
        "q": "Lee  ann",
        "status": "invited",
        "role": "multi_channel_guest",
        "workspace": "T000000000Z",
        "group": "S000000000Z",
        "department": " R&D ",
        "title": "Head, of Tea",
        "division": "North",
        "manager": "W000000000Z",
        "source": "okta",
        "sort": "-name",
        "columns": "username,title",
        "after": "abc",
    }
    found = read(params)
    assert found.problems == ()
    assert found.wanted == Wanted(
        ("ann", "lee"),
        (
            (Facet.STATUS, "invited"),
            (Facet.ROLE, "multi_channel_guest"),
            (Facet.WORKSPACE, "T000000000Z"),
            (Facet.GROUP, "S000000000Z"),
            (Facet.DEPARTMENT, "R&D"),
            (Facet.TITLE, "Head, of Tea"),
            (Facet.DIVISION, "North"),
            (Facet.MANAGER, "W000000000Z"),
            (Facet.SOURCE, "okta"),
        ),
        Sort.NAME_DOWN,
    )
    assert found.columns == ("username", "title")
    assert found.after == "abc"
    kept = {name: value for name, value in params.items() if name != "after"}
    assert found.state == kept | {"department": "R&D"}
    assert {*found.filters} == {*kept} - {"sort", "columns"}
    assert read(found.state)._replace(after="abc") == found._replace(q=found.q)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"q": "x" * 201}, "A search has 200 characters at most."),
        ({"q": "a\0b"}, "A search has 200 characters at most."),
        ({"status": "asleep"}, "Status: there is no “asleep”."),
        ({"role": "bot"}, "Role: there is no “bot”."),
        ({"workspace": "S000000000Z"}, "Workspace: there is no “S000000000Z”."),
        ({"group": "sales"}, "Group: there is no “sales”."),
        ({"manager": "ann"}, "Manager: there is no “ann”."),
        ({"source": "nobody"}, "Created by: there is no “nobody”."),
        ({"title": "x" * 201}, f"Title: there is no “{'x' * 40}”."),
        ({"division": "a\0"}, "Division: there is no “a\0”."),
        ({"sort": "age"}, "A list is not sorted by “age”."),
        ({"columns": "title,shoe"}, "There is no column “shoe”."),
        ({"after": "x" * 2001}, "Where the page begins was not understood, so this is the first one."),
        ({"departement": "Sales"}, "A list has no “departement”."),
    ],
)
def test_what_is_wrong_is_named_and_left_out(params: dict[str, str], problem: str) -> None:
    found = read(params)
    assert found.problems == (problem,)
    assert found.wanted == Wanted((), (), Sort.NEWEST)
    assert found.after is None
    assert found.state == ({"columns": "title"} if "columns" in params else {})


def test_columns_come_in_the_order_of_the_table() -> None:
    assert read({"columns": "title,username"}).columns == ("username", "title")
    assert read({"columns": "none"}).columns == ()
    assert read({"columns": "none"}).state == {"columns": "none"}
    assert read({"columns": "all"}).columns == tuple(COLUMNS)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert exports.harmless(cell) == f"'{cell}"


async def test_a_file_is_written_slice_by_slice() -> None:
    async def slices() -> AsyncIterator[Sequence[Sequence[str]]]:
        yield [["Ann, B.", '"x"']]
        yield [["=2", "ü"]]

    page = exports.csv_page("a.csv", ["One", "Two"], slices())
    assert not isinstance(page.body, bytes)
    parts = [part.decode() async for part in page.body]
    assert parts == ["\ufeffOne,Two\r\n", '"Ann, B.","""x"""\r\n', "'=2,ü\r\n"]
    assert page.headers["Content-Disposition"] == 'attachment; filename="a.csv"'


def test_every_field_of_a_profile_is_shown_and_is_in_scim() -> None:
    keys = {field.key for _, fields in profile.GROUPS for field in fields}
    assert keys == {*Profile.__struct_fields__} - {"has_custom"} | {"username", "email", "display_name"}
    paths = {row.path for row in ATTRIBUTES}
    assert {
        field.path
        for _, fields in profile.GROUPS
        for field in fields
        if field.path not in paths and not any(path.startswith(f"{field.path}.") for path in paths)
    } == set()


def test_every_action_of_the_trail_about_people_is_told() -> None:
    of_people = {*trail.CATEGORIES["user"]}
    assert of_people - history.TITLES.keys() == set()


def _record(id: str, **personal: object) -> Record:
    values = dict.fromkeys(Record.__struct_fields__, "")
    return Record(**values | {"id": id, "personal": msgspec.json.encode(personal).decode()})  # type: ignore[arg-type]


def test_whoever_set_a_field_last_is_found() -> None:
    events = [
        _record("3", before={"title": "A"}, after={"title": "B"}),
        _record("2", before={"title": "", "locale": ""}, after={"title": "A", "locale": "de"}),
        _record("1", before=None, after={"username": "ann", "title": ""}),
    ]
    found = profile.newest(events)
    assert {key: record.id for key, record in found.items()} == {"title": "3", "locale": "2", "username": "1"}

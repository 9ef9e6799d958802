"""Holes that others have had, each as something that must not happen here.

`TABLE` has one row for each published case, with the tests that hold it; what no other file tests is below.
"""

from __future__ import annotations

import ast
import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosterd.directory.errors import Invalid
from rosterd.directory.names import account_key, email_address
from rosterd.web.scim import ROUTES, VERSIONS
from tests.protocol.conftest import MakeOrg
from tests.protocol.live import Api, Org, detail, ok

TESTS = Path(__file__).parents[1]


class Case(NamedTuple):
    """Where it was published, what went wrong there, and the tests (file, then names) that hold it here."""

    published: str
    hole: str
    tests: dict[str, tuple[str, ...]]
    not_yet: str = ""  # why a part of it cannot be tested


TABLE = (
    Case(
        "Grafana CVE-2025-41115",
        "the client's externalId became the internal id, so that 1 was the administrator",
        {
            "protocol/test_vulnerabilities.py": (
                "test_an_external_id_is_never_somebodys_id",
                "test_an_id_in_a_body_names_nobody",
            )
        },
    ),
    Case(
        "ZITADEL CVE-2026-32130",
        "a percent-encoded path was routed but passed the authentication by",
        {
            "protocol/test_vulnerabilities.py": ("test_no_spelling_of_a_path_passes_the_token_by",),
            "protocol/test_bad_input.py": ("test_a_path_that_no_route_has_is_a_bad_endpoint",),
        },
    ),
    Case(
        "Bitwarden CVE-2026-43640",
        "the SCIM key was shown and rotated without asking for the password again",
        {
            "protocol/test_tokens.py": ("test_a_revoked_token_ends_at_once",),
            "actions/doors/test_apps.py": ("test_a_token_is_found_by_its_hash_and_kept_nowhere",),
            "protocol/test_dashboard_apps.py": (
                "test_a_token_that_a_page_makes_works_and_is_shown_once",
                "test_whoever_signed_in_a_while_ago_signs_in_again_and_comes_back",
            ),
        },
    ),
    Case(
        "Keycloak #50473, #49892, #52210, #50991, #52223, #52211",
        "administrators were protected under /Users and not through the members of /Groups",
        {
            "protocol/test_twin_paths.py": (
                "test_every_way_to_a_person_asks_who_they_are",
                "test_no_route_writes_that_the_matrix_does_not_cover",
            ),
            "protocol/test_roles.py": ("test_nobody_becomes_an_administrator_by_scim",),
        },
    ),
    Case(
        "passbolt, audit by Cure53, 2026",
        "two requests at once made a user twice; tokens were compared byte by byte",
        {
            "protocol/test_concurrency.py": (
                "test_fifty_identical_creations_make_one_user",
                "test_both_versions_race_for_one_username",
            ),
            "protocol/test_linearizability.py": ("test_members_change_as_if_one_after_the_other",),
            "web/test_token_timing.py": (
                "test_a_token_is_looked_up_by_a_hash_that_says_nothing_of_its_beginning",
            ),
            "actions/doors/test_apps.py": ("test_no_two_tokens_are_the_same",),
        },
    ),
    Case(
        "Doyensec, SCIM hunting, May 2025",
        "internal attributes were written; one name stood twice in an object; odd spellings passed checks",
        {
            "protocol/test_vulnerabilities.py": (
                "test_internal_attributes_are_out_of_reach",
                "test_no_address_counts_as_verified_by_scim",
            ),
            "scim/test_documents.py": ("test_a_name_that_stands_twice_is_refused",),
            "protocol/test_bad_input.py": ("test_a_body_that_is_no_document_is_refused_everywhere",),
        },
    ),
    Case(
        "ciso-assistant#4658",
        "somebody was adopted by their address and given another one in the same request",
        {"protocol/test_vulnerabilities.py": ("test_nobody_is_adopted_by_an_address",)},
    ),
    Case(
        "GitLab !28379",
        "the id that SCIM gave was a way to sign in",
        {"protocol/test_vulnerabilities.py": ("test_what_scim_knows_of_a_person_is_no_token",)},
        not_yet="nobody signs in here yet: there are tokens only",
    ),
    Case(
        "vouch#310, Atlas-Workforce#175, open-mercato#3907",
        "the organisation of the token was dropped on the way to the query",
        {
            "protocol/test_vulnerabilities.py": ("test_no_route_knows_of_another_organisation",),
            "protocol/test_tenants.py": (
                "test_another_organisations_id_answers_as_an_unknown_one",
                "test_lists_and_filters_show_ones_own",
                "test_another_organisations_people_are_no_members_and_no_managers",
            ),
            "store/test_tables.py": ("test_every_key_and_index_starts_with_the_organisation",),
        },
    ),
    Case(
        "ToolJet#16217",
        "an empty bearer token matched a secret that was not set",
        {
            "protocol/test_tokens.py": (
                "test_without_a_token_authentication_is_missing",
                "test_a_wrong_token_or_scheme_is_refused",
            ),
            "cli/test_serve.py": ("test_what_cannot_start_says_why_in_one_line",),
        },
    ),
    Case(
        "better-auth#5685",
        "any member could make a SCIM token",
        {
            "protocol/test_tokens.py": ("test_who_is_no_administrator_gets_no_such_token",),
            "actions/doors/test_apps.py": (
                "test_a_member_may_not_hold_an_administrators_token",
                "test_nobody_makes_a_token_of_someone_above_them_or_of_someone_deactivated",
            ),
        },
    ),
    Case(
        "open-webui#25948, Sentry, itsaplan#250",
        "active: false locked the owner out; the same POST again wiped what was there",
        {
            "protocol/test_twin_paths.py": ("test_every_way_to_a_person_asks_who_they_are",),
            "protocol/test_vulnerabilities.py": ("test_the_same_creation_again_changes_nothing",),
        },
    ),
    Case(
        "Apache SCIMple, its promises",
        "a filter or PATCH path without a limit of depth; limits that were stated and not kept",
        {
            "scim/test_filter.py": (
                "test_the_longest_the_deepest_and_the_broadest_filter_are_read",
                "test_more_than_that_is_too_complex",
            ),
            "scim/test_documents.py": ("test_depth_is_bounded_exactly",),
            "protocol/test_bad_input.py": (
                "test_a_body_above_eight_megabytes_is_refused",
                "test_twenty_thousand_operations_are_the_most",
            ),
        },
    ),
    Case(
        "GitHub 2016, Django CVE-2019-19844",
        "an address that only looks the same, once its case is folded, opened somebody else's account",
        {
            "protocol/test_vulnerabilities.py": (
                "test_an_address_that_only_looks_the_same_is_refused",
                "test_stored_addresses_are_equal_or_differ_in_every_case",
            ),
            "protocol/test_attacks.py": ("test_nobody_is_found_by_a_name_that_only_looks_like_theirs",),
        },
    ),
)


def test_every_test_of_the_table_exists() -> None:
    for case in TABLE:
        assert case.tests, case.published
        for file, names in case.tests.items():
            tree = ast.parse((TESTS / file).read_text())
            defined = {
                node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            }
            assert defined >= set(names), (case.published, set(names) - defined)


@pytest.mark.parametrize("form", ["1", "0", "owner", "{owner}", "{org}", "{team}"])
def test_an_external_id_is_never_somebodys_id(org: Org, api: Api, form: str) -> None:
    """Grafana CVE-2025-41115: externalId is the client's own business."""
    external = form.format(owner=org.owner_id, org=org.org_id, team=org.team_id)
    owner = api.user(org.owner_id)
    made = api.create_user("ann", externalId=external)
    assert made["id"] not in (external, org.owner_id)
    for body in (
        api.user_body("ann", externalId=external),
        {"schemas": [api.urns.user], "externalId": external},
    ):
        verb = "PUT" if "userName" in body else "PATCH"
        assert ok(api.send(verb, f"Users/{made['id']}", body))["id"] == made["id"]
    assert api.user(org.owner_id) == owner
    filter = f"externalId eq {json.dumps(external)}"
    assert ok(api.get("Users", filter=filter))["totalResults"] == 0
    if external != org.owner_id:
        api.check_refused(api.get(f"Users/{external}"), "no_such_user", 404)


def test_an_id_in_a_body_names_nobody(org: Org, api: Api) -> None:
    """Grafana CVE-2025-41115: whom a request is about stands in its path."""
    owner = api.user(org.owner_id)
    made = api.create_user("ann", id=org.owner_id)
    assert made["id"] != org.owner_id
    ok(api.put(f"Users/{made['id']}", api.user_body("ann", id=org.owner_id, title="x")))
    ok(api.patch(f"Users/{made['id']}", {"schemas": [api.urns.user], "id": org.owner_id, "title": "y"}))
    ok(
        api.other().patch(
            f"Users/{made['id']}", {"schemas": [api.urns.user], "ID": org.owner_id, "title": "z"}
        )
    )
    assert api.user(org.owner_id) == owner
    assert api.user(made["id"])["title"] == "z"


SPELLINGS = (
    "/scim/{v}/{path}",
    "/scim/{v}/{path}/",
    "/scim/{v}/{path};x",
    "/scim/{v}/{path};x=/",
    "/scim/{v}/{path}%3Bx",
    "/scim/{v}/{path}?access_token=x",
    "/scim/{v}/{path}%3Faccess_token=x",
    "/scim/{v}/{path}#x",
    "/scim/{v}/{path}%00",
    "/scim/{v}/{path}%20",
    "/scim/{v}/{path}.json",
    "/scim/{v}/{encoded}",
    "/scim/{v}%2F{path}",
    "/scim%2F{v}/{path}",
    "/%73cim/{v}/{path}",
    "/scim/{v}/./{path}",
    "/scim/{v}/x/../{path}",
    "/scim/{v}/%2e%2e/{v}/{path}",
    "/scim/{v}/ServiceProviderConfig/../{path}",
    "/scim/{v}/ServiceProviderConfig%2F..%2F{path}",
    "/healthz/../scim/{v}/{path}",
    "//scim/{v}/{path}",
    "/scim//{v}/{path}",
    "/scim/{v}//{path}",
    "/scim/{v}/{path}//",
    "/scim\\{v}\\{path}",
    "/scim/{v}/{upper}",
    "/scim/{v}/{lower}",
    "/SCIM/{v}/{path}",
    "http://127.0.0.1/scim/{v}/{path}",
)
"""Ways to write a path, some of which other programs have taken for it after their guard had not."""


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_a_path_passes_the_token_by(org: Org, spelling: str) -> None:
    """ZITADEL CVE-2026-32130: authentication lies behind the routing, and routing knows one spelling."""
    before = org.api("v2").user(org.owner_id)
    address = urlsplit(org.server.url)
    with closing(
        http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=30)
    ) as connection:
        for version, method, path in _guarded(org.owner_id):
            encoded = "".join(f"%{ord(letter):02x}" for letter in path[:1]) + path[1:]
            target = spelling.format(
                v=version, path=path, encoded=encoded, upper=path.upper(), lower=path.lower()
            )
            connection.request(
                method, target.encode().decode("latin-1"), body=b"{}" if method != "GET" else None
            )
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status in (401, 404), (method, target, answer.status)
            assert org.domain.encode() not in content, (method, target)
    assert org.api("v2").user(org.owner_id) == before


def _guarded(id: str) -> Iterator[tuple[str, str, str]]:
    """Version, method and path of every route that asks for a token."""
    for version in VERSIONS:
        for route in ROUTES:
            if version in route.versions and not route.public:
                for method in route.handlers:
                    yield version, method, "/".join(route.path).replace("*", id)


INTERNAL = {
    "role": "owner",
    "isAdmin": True,
    "is_owner": True,
    "org_id": "{other}",
    "orgId": "{other}",
    "date_claimed": 1,
    "erased": True,
    "created": 1,
    "verified": True,
    "emailVerified": True,
    "has_custom": True,
    "token": "x",
    "scopes": ["admin"],
    "__class__": "x",
}
"""Names of columns and fields, of this program and of others, that no client may set."""


@pytest.mark.parametrize("name", INTERNAL)
def test_internal_attributes_are_out_of_reach(make_org: MakeOrg, version: str, name: str) -> None:
    """Doyensec, SCIM hunting: attributes are taken from a list, whatever the operation or spelling."""
    org, other = make_org(), make_org()
    api = org.api(version)
    value = other.org_id if INTERNAL[name] == "{other}" else INTERNAL[name]
    plain, user = api.create_user("bob"), api.create_user("ann", **{name: value})
    assert user.keys() == plain.keys()
    spellings = [name, name.upper(), f"{api.urns.user}:{name}", f"{api.urns.enterprise}:{name}"]
    for spelling in spellings:
        ok(api.put(f"Users/{user['id']}", api.user_body("ann", displayName="ann", **{spelling: value})))
        refused = [api.patch(f"Users/{user['id']}", {"schemas": [api.urns.user], spelling: value})]
        if version == "v2":
            refused += [
                api.patch_user(user["id"], {"op": op, "path": spelling, "value": value})
                for op in ("add", "Replace", "REMOVE")
            ]
            refused.append(api.patch_user(user["id"], {"op": "replace", "value": {spelling: value}}))
        assert {answer.status_code for answer in refused} == {400}, spelling
    assert api.user(user["id"]) == user
    assert org.events(user["id"]) == ["user_created"]
    assert ok(other.api(version).get("Users"))["totalResults"] == 1


def test_no_address_counts_as_verified_by_scim(org: Org, api: Api) -> None:
    """Doyensec, SCIM hunting: nobody has signed in because a client says so."""
    marked = [{"value": "ann@example.com", "primary": True, "verified": True, "status": "verified"}]
    user = api.create_user("ann", emails=marked, date_claimed=1, verified=True)
    assert user["emails"] == [{"value": "ann@example.com", "primary": True}]
    [listed] = [line for line in org.run("user", "list").splitlines() if user["id"] in line]
    assert json.loads(listed)["status"] == "invited"


def test_nobody_is_adopted_by_an_address(org: Org, api: Api) -> None:
    """ciso-assistant#4658: whoever names an address that is taken gets nothing, least of all its holder."""
    ann = api.create_user("ann", title="Cook")
    address = {"value": "ann@example.com", "primary": True}
    bodies = [
        api.user_body("eve", emails=[address]),
        api.user_body("eve", emails=[address, {"value": "eve@evil.example"}]),
        api.user_body(
            "eve", emails=[{"value": "eve@evil.example", "primary": True}, {"value": "ann@example.com"}]
        ),
        api.user_body("eve", id=ann["id"], emails=[address]),
    ]
    for body in bodies:
        refused = api.post("Users", body)
        assert (refused.status_code, detail(refused).partition(" ")[0]) == (409, "email_taken")
    api.check_refused(api.put("Users/W0000000000", bodies[0]), "no_such_user", 404)
    eve = api.create_user("eve")
    for body in bodies[:2]:
        assert api.put(f"Users/{eve['id']}", body).status_code == 409
    assert api.user(ann["id"]) == ann
    assert api.user(eve["id"]) == eve
    assert org.events(ann["id"]) == ["user_created"]


def test_what_scim_knows_of_a_person_is_no_token(org: Org, version: str) -> None:
    """GitLab !28379: no id, name or address lets anybody in."""
    api = org.api(version)
    [token] = [json.loads(line) for line in org.run("token", "list").splitlines()]
    owner = api.user(org.owner_id)
    known = (
        org.owner_id,
        owner["userName"],
        org.owner_email,
        org.org_id,
        org.team_id,
        org.domain,
        token["token_id"],
    )
    for text in known:
        refused = org.api(version, text).get("Users")
        assert refused.status_code == 401, text


def test_no_route_knows_of_another_organisation(make_org: MakeOrg, version: str) -> None:
    """vouch#310, Atlas-Workforce#175, open-mercato#3907: what is another's answers as what is nobody's.

    For every route, from the table of routes: with ids of another organisation in the path and in the body.
    """
    ours, theirs = make_org().api(version), make_org().api(version)
    ann = theirs.create_user("ann")
    group = theirs.create_group("g", ann["id"])
    nobody, nothing = "W0000000000", "S0000000000"
    for route in ROUTES:
        if version not in route.versions or route.public:
            continue
        for method in route.handlers:
            answers = []
            for user_id, group_id in ((ann["id"], group["id"]), (nobody, nothing)):
                path = "/".join(route.path).replace("*", group_id if "Groups" in route.path else user_id)
                answer = ours.send(method, path, _naming(ours, method, user_id))
                text = answer.text.replace(user_id, "USER").replace(group_id, "GROUP")
                answers.append((answer.status_code, text if answer.status_code >= 400 else None))
            assert answers[0] == answers[1], (method, route.path)
            for made in ok(ours.get("Groups"))["Resources"]:
                ours.delete(f"Groups/{made['id']}")
    assert theirs.user(ann["id"]) | {"groups": []} == ann
    assert theirs.member_ids(group["id"]) == [ann["id"]]


def _naming(api: Api, method: str, user_id: str) -> Any:
    """A body for users and for groups that names a person as a member and as a manager."""
    if method in ("GET", "DELETE"):
        return None
    manager = {"manager": {"managerId": user_id}}
    members = {"displayName": "g", "members": [{"value": user_id}]}
    if method == "POST":
        return api.user_body("", **members) | {"userName": ""}
    return api.user_body("x", **members) | {api.urns.enterprise: manager}


def test_the_same_creation_again_changes_nothing(org: Org, api: Api) -> None:
    """Sentry, itsaplan#250: a second POST is a conflict, not a new start."""
    ann = api.create_user("ann", title="Cook", active=False)
    api.create_group("g")
    for body in (api.user_body("ann"), api.user_body("ann", active=True), api.user_body("ANN", title="")):
        assert api.post("Users", body).status_code == 409
    assert api.post("Groups", {"schemas": [api.urns.group], "displayName": "g"}).status_code == 409
    assert api.user(ann["id"]) == ann
    assert org.events(ann["id"]) == ["user_created", "user_deactivated"]


LOOKALIKES = "\u0131\u0130\u017f\u212a\u00df\ufb01\uff4b\u0301\u043a\u200b"
"""Letters that some case map or normal form makes equal to another one."""


@pytest.mark.parametrize("letter", LOOKALIKES)
def test_an_address_that_only_looks_the_same_is_refused(api: Api, letter: str) -> None:
    """GitHub 2016, Django CVE-2019-19844: an address is ASCII, so that no case map makes two of them one."""
    api.create_user("mikes")
    for text in (f"mike{letter}@example.com", f"mikes@example.{letter}om", f"mikes{letter}@example.com"):
        refused = api.post("Users", api.user_body("eve", emails=[{"value": text}]))
        assert (refused.status_code, detail(refused).partition(" ")[0]) == (400, "bad_email_address"), text
    assert ok(api.get("Users"))["totalResults"] == 2


@given(st.text(), st.text())
def test_stored_addresses_are_equal_or_differ_in_every_case(one: str, other: str) -> None:
    """GitHub 2016, Django CVE-2019-19844, over all of Unicode."""
    try:
        stored = [email_address(f"{text}@example.com") for text in (one, other)]
    except Invalid:
        return
    keys = [account_key(text) for text in stored]
    assert (keys[0] == keys[1]) == (stored[0].casefold() == stored[1].casefold())
    assert (keys[0] == keys[1]) == (stored[0].upper() == stored[1].upper())

"""Invented people, as the bodies of POST /Users: the same number is always the same person.

A resource has 1.4 to 1.6 KB, which is what a person with a filled-in profile has. No real name is meant:
given and family names are drawn from two short lists.
"""

from __future__ import annotations

from typing import Any

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

TEAM = 50
"""People under one manager, who is the first of them."""

_GIVEN = (
    "Mira", "Jonas", "Tansy", "Ravi", "Noor", "Felix", "Wren", "Inês", "Kofi", "Pavel", "Amara", "Søren",
    "Yuki", "Lucía", "Tomasz", "Zainab", "Henrik", "Priya", "Mateo", "Chloé", "Dmitri", "Aroha", "Bashir",
)  # fmt: skip
_FAMILY = (
    "Castellanos", "Okafor", "Lindqvist", "Thorne", "Abbasi", "Marchetti", "Halloran", "Duarte", "Brandt",
    "Quill", "Nakamura", "Vasquez", "Kowalski", "Haddad", "Sørensen", "Raman", "Delacroix", "Petrov", "Ngata",
)  # fmt: skip
_TITLES = (
    "Backend Engineer", "Account Executive", "People Partner", "Head of Regional Sales", "Product Designer",
    "Site Reliability Engineer", "Financial Analyst",
)  # fmt: skip
_DEPARTMENTS = ("Engineering", "Sales", "People", "Finance", "Design", "Support", "Legal", "Operations")
_CITIES = (("Oakland", "CA", "94612"), ("Portland", "OR", "97205"), ("Austin", "TX", "78701"))
_ASCII = str.maketrans("êøíé", "eoie")


def username(number: int) -> str:
    """At most 21 characters.

    >>> username(0), username(1_000_000)
    ('mira.caste0', 'wren.hallo1000000')
    """
    given, family = _names(number)
    return f"{given[:8]}.{family[:5]}{number}".lower().translate(_ASCII)


def _names(number: int) -> tuple[str, str]:
    return _GIVEN[number % len(_GIVEN)], _FAMILY[number // len(_GIVEN) % len(_FAMILY)]


def body(number: int, name: str = "") -> dict[str, Any]:
    """A body of version 2.0, for a person with this username or one of their own."""
    name = name or username(number)
    given, family = _names(number)
    lead = number // TEAM * TEAM
    city, region, code = _CITIES[number % len(_CITIES)]
    return {
        "schemas": [CORE, ENTERPRISE],
        "userName": name,
        "name": {"givenName": given, "familyName": family, "honorificPrefix": "Dr."},
        "displayName": f"{given} {family}",
        "title": _TITLES[number % len(_TITLES)],
        "timezone": "America/Los_Angeles",
        "emails": [
            {"value": f"{name}@example.com", "primary": True},
            {"value": f"{name}@home.example.org", "primary": False},
        ],
        "addresses": [
            {
                "streetAddress": f"{number % 9000 + 100} Telegraph Avenue",
                "locality": city,
                "region": region,
                "postalCode": code,
                "country": "USA",
            }
        ],
        "phoneNumbers": [
            {"value": f"+1 555 {number % 10_000_000:07}", "type": "work"},
            {"value": f"+1 510 {number % 10_000_000:07}", "type": "mobile"},
        ],
        "userType": "Employee",
        "roles": [{"value": "Individual contributor", "primary": True}],
        "preferredLanguage": "en_US",
        "locale": "en_US",
        ENTERPRISE: {
            "employeeNumber": f"{number:07}",
            "costCenter": f"CC-{number % 400:03}",
            "organization": "Example Industries Incorporated",
            "division": "North America",
            "department": _DEPARTMENTS[number % len(_DEPARTMENTS)],
            **({"manager": {"managerId": username(lead)}} if lead != number else {}),
        },
    }

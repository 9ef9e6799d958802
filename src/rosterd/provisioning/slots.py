"""Multi-valued attributes: SCIM's lists, of which Slack keeps one or two elements.

Rules of this module: every writer takes a draft and one operation. A list is read as a set of
*slots*: two e-mail addresses, two phone numbers, one photo, one address, one role. A value filter
in a path chooses a slot; where none fits, ``add`` and ``replace`` create (Entra's
``emails[type eq "work"].value``), ``remove`` does nothing.

Source: Slack SCIM API reference, heading *PATCH /Users*, attribute by attribute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rosterd.directory.errors import Invalid, InvalidProfile
from rosterd.directory.model import Address
from rosterd.directory.profiles import MAX_PHOTO as MAX_PHOTO
from rosterd.directory.profiles import MAX_TEXT as MAX_TEXT
from rosterd.directory.profiles import PHOTOS
from rosterd.provisioning.draft import Draft
from rosterd.scim.errors import NoTarget
from rosterd.scim.filter import matches
from rosterd.scim.grammar import And, Compare, Filter, Not, Or, Present
from rosterd.scim.patch import Operation, Verb

Element = dict[str, Any]
_ADD, _REPLACE, _REMOVE = Verb.ADD, Verb.REPLACE, Verb.REMOVE

ADDRESS_FIELDS = {
    "streetAddress": "street_address",
    "locality": "locality",
    "region": "region",
    "postalCode": "postal_code",
    "country": "country",
}


def write_emails(draft: Draft, operation: Operation) -> None:
    """``emails``: the primary address and one more.

    Primary is the one marked so, else the one of type ``work``, else the first. The primary address
    is replaced but never removed; removing ``emails`` as a whole removes the other one.
    """
    slots = [draft.email, draft.profile["secondary_email"]]
    if operation.path.filter is not None or operation.path.sub is not None:
        slots = _email_slot(slots, operation)
    elif operation.verb is _REMOVE:
        gone = None if operation.value is None else _values(operation.value, "emails_invalid")
        slots = [slots[0], None] if gone is None else [None if _in(s, gone) else s for s in slots]
    else:
        elements = _email_elements(operation.value)
        primary = _primary_email(elements, merging=operation.verb is _ADD)
        others = [e["value"] for i, e in enumerate(elements) if i != primary]
        if operation.verb is _REPLACE:
            slots = [None, None]
        if primary is not None:
            slots[0] = elements[primary]["value"]
        if others:
            slots[1] = others[0]
    draft.email, draft.profile["secondary_email"] = slots


def _email_elements(value: Any) -> list[Element]:
    elements = _elements(value, "emails_invalid", bare=True)
    for element in elements:
        if not isinstance(element.get("value", ""), str | None):
            raise Invalid("emails_invalid")
    # The second, empty entry of a response comes back in the PUT of those who send what they read.
    kept = [e for e in elements if (e.get("value") or "").strip()]
    if elements and not kept:
        raise Invalid("email_empty")
    return kept


def _primary_email(elements: Sequence[Element], *, merging: bool) -> int | None:
    """Which element is the primary address. ``merging``: perhaps none, they may all be secondary."""
    for index, element in enumerate(elements):
        if _is_true(element.get("primary")):
            return index
    undecided = [i for i, e in enumerate(elements) if e.get("primary") is None]
    for index in undecided:
        if str(elements[index].get("type", "")).lower() == "work":
            return index
    if not merging:
        return undecided[0] if undecided else (0 if elements else None)
    return next((i for i in undecided if not elements[i].get("type")), None)


def _email_slot(slots: list[str | None], operation: Operation) -> list[str | None]:
    types = ("work", "home")
    found = _chosen(slots, types, operation.path.filter)
    if operation.verb is _REMOVE:
        return _emptied(slots, found, operation)
    if not found:
        found = [1]
        if _asks_stored(operation.path.filter):
            raise NoTarget("emails")
    sub, value = _assignment(operation, "emails_invalid")
    if sub == "primary":
        return slots[::-1] if _is_true(value) and found == [1] and slots[1] else slots
    if sub != "value":
        return slots
    if not isinstance(value, str):
        raise Invalid("emails_invalid")
    return [value if i in found else slot for i, slot in enumerate(slots)]


_PHONES = ("primary_phone", "mobile_phone")


def write_phones(draft: Draft, operation: Operation) -> None:
    """``phoneNumbers``: primaryPhone and mobilePhone.

    In a request ``mobile`` (or ``primary``) means the primary phone and ``work`` the mobile phone;
    the response says it the other way round. Slack: *The type field means different things
    depending on whether it's in the request or in the response*.
    """
    slots = [draft.profile[name] for name in _PHONES]
    if operation.path.filter is not None or operation.path.sub is not None:
        slots = _phone_slot(slots, operation)
    elif operation.verb is _REMOVE:
        gone = None if operation.value is None else _values(operation.value, "phoneNumbers_invalid")
        slots = [None if gone is None or _in(slot, gone) else slot for slot in slots]
    else:
        if operation.verb is _REPLACE:
            slots = [None, None]
        for slot, number in _phone_assignment(_phone_elements(operation.value)).items():
            slots[slot] = number
    draft.profile.update(zip(_PHONES, slots, strict=True))


def _phone_elements(value: Any) -> list[Element]:
    elements = _elements(value, "phoneNumbers_invalid", bare=True)
    for element in elements:
        if not isinstance(element.get("value", ""), str | None):
            raise InvalidProfile("phoneNumbers_invalid")
    return elements


def _phone_assignment(elements: Sequence[Element]) -> dict[int, str | None]:
    """Slot (0 primaryPhone, 1 mobilePhone) → number; the clearest claims first.

    An element without a value claims its slot too, as in a response that is sent back by PUT.
    """
    claims = sorted([(_phone_claim(element), place) for place, element in enumerate(elements)])
    taken: dict[int, str | None] = {}
    for claim, place in claims:
        element = elements[place]
        wanted = 1 if claim == 2 or (claim == 3 and len(elements) > 1) else 0
        slot = wanted if wanted not in taken else 1 - wanted
        taken.setdefault(slot, _text(element.get("value"), "phoneNumbers_invalid"))
    return taken


def _phone_claim(element: Element) -> int:
    primary = element.get("primary")
    if primary is not None and _is_true(primary):
        return 0
    kind = _CLAIMS.get(str(element.get("type", "")).lower())
    return kind or (4 if primary is None else 3)


_CLAIMS = {"mobile": 1, "work": 2}


def _phone_slot(slots: list[str | None], operation: Operation) -> list[str | None]:
    types = ("mobile", "work")
    found = _chosen(slots, types, operation.path.filter)
    if operation.verb is _REMOVE:
        return _emptied(slots, found, operation)
    if not found and not _asks_stored(operation.path.filter):
        found = [i for i, kind in enumerate(types) if _fits(operation.path.filter, _view(None, kind, i))]
    if not found:
        raise NoTarget("phoneNumbers")
    sub, value = _assignment(operation, "phoneNumbers_invalid")
    if sub != "value":
        return slots
    number = _text(value, "phoneNumbers_invalid")
    return [number if i in found else slot for i, slot in enumerate(slots)]


def write_photo(draft: Draft, operation: Operation) -> None:
    """``photos``: one, a public URL or a ``data:`` URL of an image; cleared, the default is shown."""
    current = draft.profile["photo"]
    element = _single(operation, {"value": current, "type": "photo", "primary": True}, "photos_invalid")
    if element is None:
        return
    photo = _text(element.get("value"), "photos_invalid", longest=MAX_PHOTO)
    if photo and not photo.lower().startswith(PHOTOS):
        raise Invalid("photos_invalid")
    if photo and draft.existing and photo.endswith(default_photo(draft.existing.id)):
        photo = None  # the default picture, sent back by PUT
    draft.profile["photo"] = photo


def default_photo(user_id: str) -> str:
    """The end of the URL of a person's default picture."""
    return f"/avatars/{user_id}-192.png"


def write_role(draft: Draft, operation: Operation) -> None:
    """``roles``: one, as an object or a bare string."""
    current = draft.profile["role_title"]
    element = _single(operation, {"value": current, "primary": True}, "roles_invalid")
    if element is not None:
        draft.profile["role_title"] = _text(element.get("value"), "roles_invalid")


def write_address(draft: Draft, operation: Operation) -> None:
    """``addresses``: one; ``type`` only helps to choose it and is not stored.

    In v1.1 an element with ``operation: delete`` removes the address if all five parts are equal.
    """
    current = draft.profile["address"]
    view = {wire: getattr(current, name, None) for wire, name in ADDRESS_FIELDS.items()}
    if operation.verb is _REMOVE and operation.value is not None:
        named = [_address(element) for element in _elements(operation.value, "addresses_invalid")]
        if current in named:
            draft.profile["address"] = None
        return
    element = _single(operation, {**view, "primary": True}, "addresses_invalid", bare=False)
    if element is not None:
        draft.profile["address"] = _address(element)


def _address(element: Element) -> Address | None:
    lower = {key.lower(): value for key, value in element.items()}
    parts = {name: _text(lower.get(wire), "addresses_invalid") for wire, name in _ADDRESS_LOWER}
    return Address(**parts) if any(parts.values()) else None


_ADDRESS_LOWER = tuple((wire.lower(), name) for wire, name in ADDRESS_FIELDS.items())


def ignore_groups(draft: Draft, operation: Operation) -> None:
    """``groups`` is read-only: a well-formed list is ignored, anything else is ``groups_invalid``."""
    if operation.value is not None:
        _elements(operation.value, "groups_invalid")


def _single(operation: Operation, current: Element, code: str, *, bare: bool = True) -> Element | None:
    """What an attribute of one element is to be: None: unchanged; {}: cleared."""
    path = operation.path
    if not _fits(path.filter, current):
        known = {key.lower() for key in current}  # an address does not know its type: any will do
        if operation.verb is _REMOVE and _asked(path.filter) & known:
            return None
        if operation.verb is not _REMOVE and _asks_stored(path.filter):
            raise NoTarget(path.name or "")
    if operation.verb is _REMOVE:
        if path.sub is not None:
            return _without(current, path.sub)
        named = None if operation.value is None else _values(operation.value, code)
        return {} if named is None or _in(current.get("value"), named) else None
    if path.sub is not None:
        return {**_without(current, path.sub), path.sub: operation.value}
    if path.filter is not None and isinstance(operation.value, str):
        return {**current, "value": operation.value}
    elements = _elements(operation.value, code, bare=bare)
    if len(elements) == 1:
        return elements[0]
    marked = [e for e in elements if _is_true(e.get("primary"))]
    work = [e for e in elements if str(e.get("type", "")).lower() == "work"]
    return next(iter((*marked, *work, *elements)), {})


def _without(element: Element, name: str) -> Element:
    return {key: value for key, value in element.items() if key.lower() != name}


def _elements(value: Any, code: str, *, bare: bool = False) -> list[Element]:
    """A list of objects from an object or a list; with ``bare``, plain strings stand for their value."""
    elements: list[Element] = []
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, dict):
            elements.append(item if item.keys() <= _COMMON else _canonical(item))
        elif bare and isinstance(item, str):
            elements.append({"value": item})
        else:
            raise _invalid(code)
    return elements


_COMMON = frozenset({"value", "type", "primary", "display", *ADDRESS_FIELDS})
"""Names that are written as they are read."""


def _canonical(element: Element) -> Element:
    known = {"value", "type", "primary"}
    return {(key.lower() if key.lower() in known else key): value for key, value in element.items()}


def _values(value: Any, code: str) -> list[str]:
    return [str(element.get("value", "")) for element in _elements(value, code, bare=True)]


def _in(slot: str | None, values: Sequence[str]) -> bool:
    return slot is not None and slot.lower() in {value.lower() for value in values}


def _assignment(operation: Operation, code: str) -> tuple[str, Any]:
    """Sub-attribute and value that a path with a filter assigns; an object's ``value`` is meant."""
    if operation.path.sub is not None:
        return operation.path.sub, operation.value
    if isinstance(operation.value, str):
        return "value", operation.value
    elements = _elements(operation.value, code)
    if len(elements) != 1:
        raise _invalid(code)
    return "value", elements[0].get("value")


def _chosen(slots: Sequence[str | None], types: Sequence[str], filter: Filter | None) -> list[int]:
    """The numbers of the filled slots that the filter matches; without a filter, of the first one."""
    filled = [i for i, slot in enumerate(slots) if slot is not None]
    if filter is None:
        return filled[:1]
    return [i for i in filled if _fits(filter, _view(slots[i], types[i], i))]


def _emptied(slots: list[str | None], found: Sequence[int], operation: Operation) -> list[str | None]:
    """The slots without the values of those found. Only the value is kept, so only that can go."""
    if operation.path.sub not in (None, "value"):
        return slots
    return [None if i in found else slot for i, slot in enumerate(slots)]


def _view(value: str | None, kind: str, number: int) -> Element:
    """A slot as the element that a filter looks at."""
    return {"value": value, "type": kind, "primary": number == 0}


def _fits(filter: Filter | None, element: Mapping[str, Any]) -> bool:
    return filter is None or matches(filter, element)


def _asked(filter: Filter | None) -> set[str]:
    """The sub-attributes that a filter looks at."""
    match filter:
        case And(parts) | Or(parts):
            return set().union(*map(_asked, parts))
        case Not(part):
            return _asked(part)
        case Compare(path) | Present(path):
            return {path.name or ""}
    return set()


def _asks_stored(filter: Filter | None) -> bool:
    """Whether a filter looks at what is stored, and not only at ``type`` or ``primary``."""
    return not _asked(filter) <= {"type", "primary"}


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _text(value: Any, code: str, *, longest: int = MAX_TEXT) -> str | None:
    """A stored text: blank is None."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > longest:
        raise _invalid(code)
    return value.strip() or None


_CUSTOM_CODES = frozenset({"phoneNumbers_invalid", "addresses_invalid", "roles_invalid"})


def _invalid(code: str) -> Invalid:
    return InvalidProfile(code) if code in _CUSTOM_CODES else Invalid(code)

"""A random load over HTTP in both versions: several writers at once, each on people and groups of its own.

All of them also take their people in and out of the same shared groups, so that rows are fought over.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event
from typing import Any

import httpx

from tests.chaos.journal import Circle, Journal, Key, Person, Request, Value
from tests.protocol.live import Api, Body

WRITERS = 8
_CROWD = 25  # people of one writer; then it changes those it has


class Writer:
    """One thread's share. It stops at ``stop``, or at the first request whose end is in doubt."""

    def __init__(
        self, name: str, apis: Sequence[Api], shared: Sequence[str], journal: Journal, numbers: Iterator[int]
    ) -> None:
        self._name = name
        self._apis = apis
        self._shared = shared
        self._journal = journal
        self._numbers = numbers

    def run(self, random: Random, stop: Event) -> None:
        """Write until told to stop."""
        while not stop.is_set():
            people, circles = self._people(), self._circles()
            ways: list[Callable[[Random], bool]] = [self._join_or_leave, self._create_circle]
            ways += [self._create_person] * (3 if len(people) < _CROWD else 0)
            ways += [self._change, self._change, self._put, self._switch] if people else []
            ways += [self._patch_circle, self._put_circle, self._delete_circle] if circles else []
            if not random.choice(ways)(random):
                return

    def _people(self) -> list[tuple[str, Person]]:
        """Those whom this writer has made, by the names that it gives."""
        found = list(self._journal.directory.items())
        return [(str(key), v) for key, v in found if isinstance(v, Person) and self._is_own(v.display_name)]

    def _circles(self) -> list[tuple[str, Circle]]:
        found = list(self._journal.directory.items())
        return [(str(key), v) for key, v in found if isinstance(v, Circle) and self._is_own(v.name)]

    def _is_own(self, name: str) -> bool:
        return name.startswith(f"{self._name}-")

    def _create_person(self, random: Random) -> bool:
        number = next(self._numbers)
        person = self._person(number, random)
        request = Request(
            number, "create a person", {f"new:{number}": None}, {f"new:{number}": person},
            (("user_created", f"new:{number}"),),
        )  # fmt: skip
        return self._send(random, request, "POST", "Users", lambda api: _user_body(api, person))

    def _person(self, number: int, random: Random, *, active: bool = True) -> Person:
        name = f"{self._name}-{number}"
        department = random.choice((None, f"d{number}"))
        second = random.choice(("", f"{name}@home.example"))
        return Person(name, name, f"t{number}", department, f"{name}@example.com", second, active)

    def _change(self, random: Random) -> bool:
        """Several attributes of one person by PATCH."""
        id, before = random.choice(self._people())
        number = next(self._numbers)
        new = self._person(number, random, active=before.active)
        after = before._replace(
            title=new.title, department=f"d{number}", username=new.username, email=new.email
        )

        def body(api: Api) -> Body:
            changes: Body = {
                "title": after.title,
                "userName": after.username,
                "emails": [{"value": after.email, "primary": True}],
                api.urns.enterprise: {"department": after.department},
            }
            if api.version == "v1":
                return {"schemas": [api.urns.user], **changes}
            changes["emails"] += [{"value": after.second, "primary": False}] if after.second else []
            return api.message(*({"op": "replace", "path": path, "value": v} for path, v in changes.items()))

        return self._send(random, _of_person(number, id, before, after), "PATCH", f"Users/{id}", body)

    def _put(self, random: Random) -> bool:
        id, before = random.choice(self._people())
        number = next(self._numbers)
        after = self._person(number, random, active=random.random() < 0.8)
        request = _of_person(number, id, before, after)
        return self._send(random, request, "PUT", f"Users/{id}", lambda api: _user_body(api, after))

    def _switch(self, random: Random) -> bool:
        """Deactivate or reactivate."""
        id, before = random.choice(self._people())
        request = _of_person(next(self._numbers), id, before, before._replace(active=not before.active))
        if before.active and random.random() < 0.5:
            return self._send(random, request, "DELETE", f"Users/{id}", lambda api: None)
        active = not before.active
        return self._send(
            random,
            request,
            "PATCH",
            f"Users/{id}",
            lambda api: {"schemas": [api.urns.user], "active": active},
        )

    def _some(self, random: Random, most: int) -> frozenset[str]:
        """People who may join a group."""
        active = [id for id, person in self._people() if person.active]
        return frozenset(random.sample(active, min(len(active), random.randint(0, most))))

    def _create_circle(self, random: Random) -> bool:
        number = next(self._numbers)
        circle = Circle(f"{self._name}-{number}", self._some(random, 5))
        events = [("usergroup_updated", f"new:{number}")]
        events += [("user_added_to_usergroup", id) for id in circle.members]
        request = Request(
            number, "create a group", {f"new:{number}": None}, {f"new:{number}": circle}, tuple(events)
        )
        return self._send(random, request, "POST", "Groups", lambda api: _group_body(api, circle))

    def _patch_circle(self, random: Random) -> bool:
        """Rename, take in and put out, all at once."""
        id, before = random.choice(self._circles())
        number = next(self._numbers)
        joining, leaving = self._some(random, 4) - before.members, before.members - self._some(random, 5)
        after = Circle(f"{self._name}-{number}", (before.members | joining) - leaving)

        def body(api: Api) -> Body:
            if api.version == "v1":
                marked = [{"value": each, "operation": "delete"} for each in leaving]
                members = [*marked, *({"value": each} for each in joining)]
                return {"schemas": [api.urns.group], "displayName": after.name, "members": members}
            return api.message(
                {"op": "replace", "path": "displayName", "value": after.name},
                {"op": "add", "path": "members", "value": [{"value": each} for each in joining]},
                *({"op": "remove", "path": f'members[value eq "{each}"]'} for each in leaving),
            )

        return self._send(random, _of_circle(number, id, before, after), "PATCH", f"Groups/{id}", body)

    def _put_circle(self, random: Random) -> bool:
        id, before = random.choice(self._circles())
        number = next(self._numbers)
        after = Circle(f"{self._name}-{number}", self._some(random, 8))
        request = _of_circle(number, id, before, after)
        return self._send(random, request, "PUT", f"Groups/{id}", lambda api: _group_body(api, after))

    def _delete_circle(self, random: Random) -> bool:
        id, before = random.choice(self._circles())
        request = Request(
            next(self._numbers), "delete a group", {id: before}, {id: None}, (("usergroup_updated", id),)
        )
        return self._send(random, request, "DELETE", f"Groups/{id}", lambda api: None)

    def _join_or_leave(self, random: Random) -> bool:
        """Several people at once into, or out of, a group that all writers share."""
        group = random.choice(self._shared)
        people = self._some(random, 3)
        inside = {id for id in people if self._journal.directory.get((group, id))}
        joining = random.random() < 0.6
        moving = people - inside if joining else inside
        before: dict[Key, Value] = {(group, id): not joining for id in moving}
        after: dict[Key, Value] = {(group, id): joining for id in moving}
        action = "user_added_to_usergroup" if joining else "user_removed_from_usergroup"
        number = next(self._numbers)
        request = Request(number, f"{action} {group}", before, after, tuple((action, id) for id in moving))

        def body(api: Api) -> Body:
            members: list[Body] = [{"value": id} for id in people]
            if api.version == "v1":
                marked = members if joining else [each | {"operation": "delete"} for each in members]
                return {"schemas": [api.urns.group], "members": marked}
            return api.message({"op": "add" if joining else "remove", "path": "members", "value": members})

        return self._send(random, request, "PATCH", f"Groups/{group}", body)

    def _send(
        self, random: Random, request: Request, verb: str, path: str, body: Callable[[Api], Any]
    ) -> bool:
        """Send, and put down what came of it. False: that is not known."""
        api = random.choice(self._apis)
        try:
            agent = {"User-Agent": f"chaos/{request.number}"}
            answer = api.send(verb, path, body(api), headers=agent)
        except httpx.TransportError:
            self._journal.doubtful.append(request)
            return False
        if not answer.is_success:
            if answer.status_code != 503:  # the one answer that a lost database may give
                asked = f"{api.version} {verb} {path} ({request.what})"
                self._journal.wrong.append(f"{asked}: {answer.status_code} {answer.text[:200]}")
            self._journal.doubtful.append(request)
            return False
        self._journal.acknowledge(request, answer.json()["id"] if verb == "POST" else None)
        return True


def _of_person(number: int, id: str, before: Person, after: Person) -> Request:
    """A change of one person, and the events that Slack's vocabulary has for it."""
    changed = {name for name, old, new in zip(Person._fields, before, after, strict=True) if old != new}
    actions = []
    if "active" in changed:
        actions.append("user_reactivated" if after.active else "user_deactivated")
    if changed & {"email", "second"}:
        actions.append("user_email_updated")
    if "username" in changed:
        actions.append("user_username_updated")
    if changed & {"display_name", "title", "department"}:
        actions.append("user_profile_updated")
    events = tuple((action, id) for action in actions)
    return Request(number, "change a person", {id: before}, {id: after}, events)


def _of_circle(number: int, id: str, before: Circle, after: Circle) -> Request:
    events = [("usergroup_updated", id)] if before.name != after.name else []
    events += [("user_added_to_usergroup", each) for each in after.members - before.members]
    events += [("user_removed_from_usergroup", each) for each in before.members - after.members]
    return Request(number, "change a group", {id: before}, {id: after}, tuple(events))


def _user_body(api: Api, person: Person) -> Body:
    emails: list[Body] = [{"value": person.email, "primary": True}]
    return {
        "schemas": [api.urns.user, api.urns.enterprise],
        "userName": person.username,
        "displayName": person.display_name,
        "name": {"givenName": "Given", "familyName": "Family"},
        "title": person.title,
        "active": person.active,
        "emails": emails + ([{"value": person.second}] if person.second else []),
        api.urns.enterprise: {"department": person.department},
    }


def _group_body(api: Api, circle: Circle) -> Body:
    members = [{"value": id} for id in circle.members]
    return {"schemas": [api.urns.group], "displayName": circle.name, "members": members}


class Load:
    """The writers on one organisation."""

    def __init__(self, shared: Sequence[str], journal: Journal) -> None:
        self._shared = shared
        self._journal = journal
        self._numbers = itertools.count(1)

    def during(self, random: Random, apis: Sequence[Api], strike: Callable[[], None]) -> None:
        """Let all write, call ``strike`` meanwhile, and return when the last of them has stopped."""
        stop = Event()
        with ThreadPoolExecutor(WRITERS) as threads:
            running = []
            for number in range(WRITERS):
                writer = Writer(f"w{number}", apis, self._shared, self._journal, self._numbers)
                running.append(threads.submit(writer.run, Random(random.random()), stop))
            try:
                strike()
            finally:
                stop.set()
            for future in running:
                future.result()

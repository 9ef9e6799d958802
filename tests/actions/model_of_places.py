"""Who is where and why, said once more in plain Python: people one by one, dicts in place of SQL.

Ids are those of the organisation that is compared. A method gives the code that refuses it, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

Reasons = dict[str, bool]
"""Source → whether it is only kept. ``""`` is directly."""


@dataclass
class Places:
    homes: dict[str, set[str]]  # channel → its workspaces
    defaults: dict[str, set[str]]  # workspace → its default channels
    private: set[str]
    members: dict[str, set[str]]  # group → people
    teams: dict[tuple[str, str], Reasons] = field(default_factory=dict)  # (workspace, person)
    channels: dict[tuple[str, str], Reasons] = field(default_factory=dict)
    ways: dict[str, dict[str, tuple[bool, bool]]] = field(default_factory=dict)  # → required, at once
    leads: dict[str, set[str]] = field(default_factory=dict)  # group → channels
    lists: dict[str, set[str]] = field(default_factory=dict)  # channel → groups on its allowlist
    former: dict[str, list[tuple[str, str, bool]]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)  # deactivated
    guests: set[str] = field(default_factory=set)

    def rows(self) -> dict[tuple[str, str], Reasons]:
        return {where: why for where, why in (self.teams | self.channels).items() if why}

    # what is asked again and again

    def is_in(self, person: str, team: str) -> bool:
        return bool(self.teams.get((team, person)))

    def reaches(self, person: str, channel: str) -> bool:
        return any(self.is_in(person, team) for team in self.homes[channel])

    def allowed(self, person: str, channel: str) -> bool:
        listed = self.lists.get(channel, set())
        return not listed or any(person in self.members[group] for group in listed)

    def groups_of(self, person: str) -> list[str]:
        return [group for group, people in self.members.items() if person in people]

    # what follows

    def _arrive(self, person: str, before: Collection[str]) -> None:
        """Whoever is in a workspace that they were not in ``before`` joins what belongs to it."""
        for team in {team for (team, who), why in self.teams.items() if who == person and why} - set(before):
            for channel in self.defaults[team] if person not in self.guests else ():
                self.channels.setdefault((channel, person), {}).setdefault(team, False)
            for group in self.groups_of(person):
                for channel in self.leads.get(group, set()):
                    if team in self.homes[channel] and self.allowed(person, channel):
                        self.channels.setdefault((channel, person), {})[group] = False

    def _where(self, person: str) -> set[str]:
        return {team for (team, who), why in self.teams.items() if who == person and why}

    def _lead(self, person: str, group: str, only: Collection[str] | None = None) -> None:
        """Somebody in a group follows to where it leads; ``only``: to these places."""
        if person in self.gone or person not in self.members[group]:
            return
        before = self._where(person)
        for team, (_, at_once) in self.ways.get(group, {}).items():
            if at_once and (only is None or team in only):
                self.teams.setdefault((team, person), {})[group] = False
        self._arrive(person, before)
        allowing = {channel for channel, listed in self.lists.items() if group in listed}
        for other in self.groups_of(person):
            for channel in self.leads.get(other, set()):
                concerned = (other == group or channel in allowing) and (only is None or channel in only)
                if concerned and self.reaches(person, channel) and self.allowed(person, channel):
                    self.channels.setdefault((channel, person), {})[other] = False
        self._tidy(person)

    def _tidy(self, *people: str) -> None:
        for (channel, person), why in self.channels.items():
            if person in people:
                for team in [source for source in why if source in self.defaults]:
                    if not self.is_in(person, team):
                        del why[team]
                if not self.reaches(person, channel) or not self.allowed(person, channel):
                    why.clear()

    def _let_go(self, people: Iterable[str], group: str, team: str, required: bool) -> None:
        for person in people:
            why = self.teams.get((team, person), {})
            if why.get(group) is False:
                if required:
                    del why[group]
                else:
                    why[group] = True
            self._tidy(person)

    def _end_channels(self, group: str, channels: Iterable[str]) -> None:
        for channel in channels:
            self.leads[group].discard(channel)
            for (where, _), why in self.channels.items():
                if where == channel:
                    why.pop(group, None)

    def _lost(self, group: str, required: Collection[str]) -> list[str]:
        return [
            channel for channel in self.leads.get(group, set()) if self.homes[channel].isdisjoint(required)
        ]

    # what is done

    def join_group(self, group: str, people: Collection[str]) -> str | None:
        new = set(people) - self.members[group]
        if new & self.gone:
            return "unable_to_add_deleted_or_guest_to_group"
        self.members[group] |= new
        for person in new:
            self._lead(person, group)
        return None

    def leave_group(self, group: str, people: Collection[str]) -> str | None:
        left = set(people) & self.members[group]
        self.members[group] -= left
        for team, (required, _) in self.ways.get(group, {}).items():
            self._let_go(left, group, team, required)
        for (_, person), why in self.channels.items():
            if person in left:
                why.pop(group, None)
        self._tidy(*left)
        return None

    def connect(self, group: str, team: str, required: bool, at_once: bool) -> str | None:
        ways = self.ways.setdefault(group, {})
        if ways.get(team) == (required, at_once):
            return None
        ways[team] = required, at_once
        self._end_channels(group, self._lost(group, {team for team, (must, _) in ways.items() if must}))
        for person in sorted(self.members[group]):
            self._lead(person, group, {team})
        return None

    def disconnect(self, group: str, team: str) -> str | None:
        ways = self.ways.get(group, {})
        if team not in ways:
            return "not_connected"
        required, _ = ways.pop(team)
        self._end_channels(group, self._lost(group, {team for team, (must, _) in ways.items() if must}))
        self._let_go({person for _, person in self.teams}, group, team, required)
        return None

    def connect_channel(self, group: str, channel: str) -> str | None:
        if channel in self.leads.setdefault(group, set()):
            return None
        if not any(
            must for team, (must, _) in self.ways.get(group, {}).items() if team in self.homes[channel]
        ):
            return "channel_not_in_required_workspace"
        self.leads[group].add(channel)
        for person in self.members[group]:
            self._lead(person, group, {channel})
        return None

    def disconnect_channel(self, group: str, channel: str) -> str | None:
        if channel not in self.leads.get(group, set()):
            return "not_connected"
        self._end_channels(group, [channel])
        return None

    def allow(self, channel: str, group: str) -> str | None:
        listed = self.lists.setdefault(channel, set())
        if channel not in self.private:
            return "channel_is_not_private"
        if group in listed:
            return "group_already_linked_to_channel"
        if not self.members[group]:
            return "group_must_not_be_empty"
        listed.add(group)
        for person in self.members[group]:
            self._lead(person, group, {channel})
        self._tidy(*{person for _, person in self.channels})
        return None

    def disallow(self, channel: str, group: str) -> str | None:
        listed = self.lists.get(channel, set())
        if group not in listed:
            return "not_connected"
        listed.discard(group)
        for leading in self.members if not listed else ():
            for person in self.members[leading]:
                self._lead(person, leading, {channel})
        self._tidy(*{person for _, person in self.channels})
        return None

    def delete_group(self, group: str) -> str | None:
        if any(group in listed for listed in self.lists.values()):
            return "idp_group_linked_to_channels"
        self._end_channels(group, list(self.leads.get(group, ())))
        for team, (required, _) in self.ways.pop(group, {}).items():
            self._let_go({person for _, person in self.teams}, group, team, required)
        del self.members[group]
        return None

    def assign(self, person: str, team: str) -> str | None:
        if self.is_in(person, team):
            return "user_already_team_member"
        if person in self.gone:
            self.reactivate(person)
        before = self._where(person)
        self.teams.setdefault((team, person), {})[""] = False
        self._arrive(person, before)
        self._tidy(person)
        return None

    def remove(self, person: str, team: str) -> str | None:
        return self._go(person, team, lambda required, _: required)

    def leave(self, person: str, team: str) -> str | None:
        if person in self.guests:
            return "not_allowed"
        return self._go(person, team, lambda required, at_once: required or at_once)

    def _go(self, person: str, team: str, binds: Callable[[bool, bool], bool]) -> str | None:
        why = self.teams.get((team, person), {})
        if not why:
            return "not_in_workspace"
        if any(
            not kept and binds(*self.ways.get(each, {}).get(team, (False, False)))
            for each, kept in why.items()
        ):
            return "required_by_group"
        why.clear()
        self._tidy(person)
        return None

    def join(self, person: str, team: str) -> str | None:
        leading = [group for group in self.groups_of(person) if team in self.ways.get(group, {})]
        if person in self.gone or person in self.guests or not leading:
            return "not_allowed"
        before = self._where(person)
        for group in leading:
            self.teams.setdefault((team, person), {})[group] = False
        self._arrive(person, before)
        self._tidy(person)
        return None

    def invite(self, person: str, channel: str) -> str | None:
        if self.channels.get((channel, person)):
            return "already_in_channel"
        if person in self.gone:
            return "no_such_user"
        if not self.reaches(person, channel):
            return "not_in_workspace"
        if not self.allowed(person, channel):
            return "restricted_by_allowlist"
        self.channels.setdefault((channel, person), {})[""] = False
        return None

    def kick(self, person: str, channel: str) -> str | None:
        why = self.channels.get((channel, person), {})
        if not why:
            return "not_in_channel"
        why.clear()
        return None

    def deactivate(self, person: str) -> str | None:
        if person in self.gone:
            return None
        self.gone.add(person)
        self.former[person] = []
        for (place, who), why in (self.teams | self.channels).items():
            if who == person:
                self.former[person] += [
                    (place, source, kept)
                    for source, kept in why.items()
                    if kept or source not in self.members
                ]
                why.clear()
        return None

    def reactivate(self, person: str) -> str | None:
        if person not in self.gone:
            return None
        self.gone.discard(person)
        for place, source, kept in self.former.pop(person):
            rows = self.channels if place in self.homes else self.teams
            rows.setdefault((place, person), {})[source] = kept
        for group in self.groups_of(person):
            for team, (_, at_once) in self.ways.get(group, {}).items():
                if at_once:
                    self.teams.setdefault((team, person), {})[group] = False
        self._arrive(person, ())
        self._tidy(person)
        return None

    def make_guest(self, person: str) -> str | None:
        if person not in self.guests:
            self.guests.add(person)
            self.reactivate(person)
        return None

    def make_member(self, person: str) -> str | None:
        if person in self.guests:
            self.guests.discard(person)
            self.reactivate(person)
            for team in self._where(person):
                for channel in self.defaults[team]:
                    self.channels.setdefault((channel, person), {}).setdefault(team, False)
            self._tidy(person)
        return None

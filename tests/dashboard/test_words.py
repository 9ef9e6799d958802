"""Whatever a page can be refused with is explained there, in words."""

from __future__ import annotations

import re

from rosterd.actions.bulk import NO_NEED
from rosterd.dashboard.admin.bulk.words import REASONS
from rosterd.dashboard.words import WORDS
from tests.reach import codes_from

OF_PROFILES = {
    "bad_email_address", "email_empty", "email_taken", "emails_invalid", "improper_enterprise_schema_format",
    "invalid_display_name", "invalid_emoji_not_allowed", "invalid_reserved_word", "invalid_starts_with_at",
    "long_nickname", "password_change_not_allowed", "photos_invalid", "truncation_error",
    "unable_to_create_team_profile_fields", "username_empty", "username_invalid", "username_not_allowed",
    "username_taken", "username_too_long",
}  # fmt: skip
"""No page changes a name, an address or a profile: programs do."""

OF_PEOPLE_IN_BATCHES = {"cannot_change_yourself"}
"""What becomes of one person, beside others: `REASONS` has it."""

OF_ROLES_IN_WORKSPACES = {
    "cannot_set_org_admin_to_regular_at_workspace_level",
    "cannot_set_this_guest_to_regular_at_team_level",
}
"""No page makes a plain member of whoever runs a workspace."""

NEVER = {"team_not_given"}
"""The form has looked before."""

OF_CHANNELS_AND_ROLES_CHOSEN = {
    "invalid_name_maxlength", "invalid_name_specials", "invalid_role", "no_such_change", "no_such_channel",
    "no_such_user", "restricted_by_allowlist",
}  # fmt: skip
"""A bulk change is refused as a whole for what was chosen, and chooses no channel. Nobody is ever removed."""


def test_every_error_of_a_page_has_its_words() -> None:
    reached = codes_from(lambda name: name.startswith("rosterd.dashboard."))
    elsewhere = OF_PROFILES | OF_PEOPLE_IN_BATCHES | OF_ROLES_IN_WORKSPACES | NEVER
    assert sorted(reached - WORDS.keys() - elsewhere) == []
    assert sorted(elsewhere - reached) == []
    assert sorted(elsewhere & WORDS.keys()) == []


def test_every_reason_for_which_a_bulk_change_leaves_somebody_out_has_its_words() -> None:
    reached = codes_from(lambda name: name == "rosterd.actions.bulk_steps.change")
    elsewhere = OF_PROFILES | OF_ROLES_IN_WORKSPACES | OF_CHANNELS_AND_ROLES_CHOSEN | NO_NEED
    assert sorted(reached - REASONS.keys() - elsewhere) == []
    assert sorted(REASONS.keys() - reached) == []


def test_what_is_said_is_whole() -> None:
    for words in WORDS.values():
        assert re.fullmatch(r"[A-Z][^\n]+[^.\s]", words.title), words
        assert re.fullmatch(r"[A-Z0-9][^\n]+\.", words.text), words
    assert list(WORDS) == sorted(WORDS)
    assert list(REASONS) == sorted(REASONS)

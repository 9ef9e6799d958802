"""Names and addresses: folding over all of Unicode, and every rule that shapes or refuses one."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rosterd.directory import names
from rosterd.directory.errors import Invalid

USERNAME_ALPHABET = set("abcdefghijklmnopqrstuvwxyz0123456789._-")
ascii_usernames = st.text(st.sampled_from(sorted(USERNAME_ALPHABET)), min_size=1, max_size=21)
any_text = st.text(max_size=30)


def code_of(rule: Callable[[str], str], text: str) -> str:
    with pytest.raises(Invalid) as caught:
        rule(text)
    return caught.value.code


class TestFolding:
    @given(any_text)
    def test_folding_twice_changes_nothing_more(self, text: str) -> None:
        assert names.folded(names.folded(text)) == names.folded(text)

    @given(any_text)
    def test_case_does_not_count(self, text: str) -> None:
        assert names.folded(text.casefold()) == names.folded(names.folded(text))

    @given(ascii_usernames, ascii_usernames)
    def test_no_two_different_usernames_meet(self, first: str, second: str) -> None:
        assert (names.folded(first) == names.folded(second)) == (first == second)

    @pytest.mark.parametrize("letter", ["\u0131", "\u017f", "\u212a", "\ufb01", "\uff21", "\u0130"])
    def test_a_letter_near_to_ascii_is_in_no_username_and_no_address(self, letter: str) -> None:
        assert names.username_of(f"x{letter}") == "x_"
        assert code_of(names.email_address, f"{letter}nn@example.com") == "bad_email_address"


class TestAccountKeys:
    @given(ascii_usernames)
    def test_case_does_not_count_in_ascii(self, text: str) -> None:
        assert names.account_key(text.upper()) == names.account_key(text) == text

    @pytest.mark.parametrize("text", ["ſam", "\u212aim", "ａnn", "İan", "ann@example.cOm\u212a", "ＡＮＮ"])
    def test_what_is_not_ascii_is_nobody_else(self, text: str) -> None:
        assert names.account_key(text) == text

    @given(any_text, any_text)
    def test_two_keys_meet_only_by_the_case_of_ascii(self, first: str, second: str) -> None:
        if names.account_key(first) == names.account_key(second):
            assert first == second or (first.isascii() and first.lower() == second.lower())


class TestUsernames:
    @pytest.mark.parametrize(
        ("text", "username"),
        [
            ("Ann", "ann"),
            (" ann ", "ann"),
            ("Ann Example", "ann_example"),
            ("o'neill+x", "o_neill_x"),
            ("a.b_c-d", "a.b_c-d"),
            ("Zoë", "zo_"),
            ("x" * 21, "x" * 21),
        ],
    )
    def test_a_plain_name_is_shaped(self, text: str, username: str) -> None:
        assert names.username_of(text) == username

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", "username_empty"),
            (" \t", "username_empty"),
            ("...", "username_invalid"),
            ("日本", "username_invalid"),
            ("x" * 22, "username_too_long"),
            ("erased-w1", "username_not_allowed"),
            ("Erased-W1", "username_not_allowed"),
        ],
    )
    def test_a_name_that_cannot_be_is_refused(self, text: str, code: str) -> None:
        assert code_of(names.username_of, text) == code

    @given(any_text)
    def test_whatever_is_sent_the_username_fits_the_alphabet_and_21_characters(self, text: str) -> None:
        for rule in (names.username_of, names.username_of_email):
            try:
                username = rule(text)
            except Invalid:
                continue
            assert set(username) <= USERNAME_ALPHABET
            assert 1 <= len(username) <= names.USERNAME_LENGTH
            assert names.folded(username) == username

    @given(ascii_usernames.filter(lambda name: any(c.isalnum() for c in name)))
    def test_a_username_is_its_own_username(self, username: str) -> None:
        assume(not username.startswith(names.ERASED_PREFIX))
        assert names.username_of(username) == username

    def test_nobody_is_called_as_somebody_forgotten_by_their_address_either(self) -> None:
        assert code_of(names.username_of_email, "erased-w1@example.com") == "username_not_allowed"
        assert names.username_of("erased") == "erased"

    def test_an_address_gives_its_local_part_cut_to_21(self) -> None:
        assert names.username_of_email("Ann.O'Neill@example.com") == "ann.o_neill"
        assert names.username_of_email("x" * 30 + "@example.com") == "x" * 21


class TestNumbers:
    @given(ascii_usernames, st.integers(0, 200))
    def test_a_numbered_name_is_known_as_such(self, stem: str, place: int) -> None:
        name = next(itertools.islice(names.numbered(stem, ()), place, None))
        assert names.is_numbered(name, stem)
        assert len(name) <= names.USERNAME_LENGTH

    @given(ascii_usernames, ascii_usernames | st.integers(0, 20_000).map(str))
    def test_a_name_known_as_numbered_is_one_that_numbering_makes(self, stem: str, tail: str) -> None:
        made = set(names.numbered(stem, ()))
        for name in (tail, (stem + tail)[: names.USERNAME_LENGTH]):
            assert names.is_numbered(name, stem) == (name in made)

    def test_the_stem_gives_way_to_the_number(self) -> None:
        stem = "x" * 21
        assert list(itertools.islice(names.numbered(stem, {stem}), 9))[-1] == "x" * 19 + "10"

    def test_there_are_9999_names_of_a_stem_and_no_more(self) -> None:
        made = list(names.numbered("ann", ()))
        assert (len(made), len(set(made)), made[-1]) == (9_999, 9_999, "ann9999")

    def test_what_is_taken_is_passed_over(self) -> None:
        assert next(names.numbered("ann", {"ann", "ann2", "ann4"})) == "ann3"


class TestAddresses:
    @pytest.mark.parametrize(
        "text",
        ["ann@example.com", "Ann@Example.COM", "a+b.c@x-y.example", "a@localhost", "o'neill@example.com"],
    )
    def test_an_address_is_kept_as_given(self, text: str) -> None:
        assert names.email_address(f" {text} ") == text

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", "email_empty"),
            ("  ", "email_empty"),
            ("ann", "bad_email_address"),
            ("@example.com", "bad_email_address"),
            ("ann@", "bad_email_address"),
            ("a@b@example.com", "bad_email_address"),
            ("a b@example.com", "bad_email_address"),
            ("a..b@example.com", "bad_email_address"),
            ("ann@-x.com", "bad_email_address"),
            ("ann@x-.com", "bad_email_address"),
            ("ann@x..com", "bad_email_address"),
            ("ann@exämple.com", "bad_email_address"),
            ("x" * 65 + "@example.com", "bad_email_address"),
            ("ann@" + "x." * 125 + "com", "bad_email_address"),
            ("ann@erased.invalid", "bad_email_address"),
            ("Ann@Erased.Invalid", "bad_email_address"),
        ],
    )
    def test_what_is_no_address_is_refused(self, text: str, code: str) -> None:
        assert code_of(names.email_address, text) == code

    @given(any_text | st.emails())
    def test_an_accepted_address_is_ascii_and_folds_by_case_only(self, text: str) -> None:
        try:
            address = names.email_address(text)
        except Invalid:
            return
        assert address.isascii()
        assert address == text.strip()
        assert names.folded(address) == address.lower()


class TestDisplayNames:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("", ""),
            (" Ann ", "Ann"),
            ("Ann & Bob", "Ann _ Bob"),
            ("Zoë (O'Neill), [x]/{y}; a-b_c.d", "Zoë (O'Neill), [x]/{y}; a-b_c.d"),
            ("田中 さくら", "田中 さくら"),
            ("नेहा", "नेहा"),
            ("Ann!", "Ann_"),
            ("x" * 80, "x" * 80),
        ],
    )
    def test_letters_of_every_language_stay(self, text: str, shown: str) -> None:
        assert names.display_name(text) == shown

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("@ann", "invalid_starts_with_at"),
            ("ann@home", "invalid_name_specials"),
            ("Ann 🎉", "invalid_emoji_not_allowed"),
            ("Ann ☕", "invalid_emoji_not_allowed"),
            ("x" * 81, "invalid_name_maxlength"),
            ("Here", "invalid_reserved_word"),
            ("ｅｖｅｒｙｏｎｅ", "invalid_reserved_word"),
        ],
    )
    def test_a_name_that_cannot_be_is_refused(self, text: str, code: str) -> None:
        assert code_of(names.display_name, text) == code

    @given(any_text)
    def test_a_display_name_is_its_own_display_name(self, text: str) -> None:
        try:
            shown = names.display_name(text)
        except Invalid:
            return
        assert names.display_name(shown) == shown.strip()
        assert len(shown) <= names.DISPLAY_NAME_LENGTH


class TestGroupNames:
    def test_a_group_may_be_called_anything_short(self) -> None:
        assert names.group_name(" Sales & 🎉 ") == "Sales & 🎉"
        assert names.group_name("x" * 255) == "x" * 255

    @pytest.mark.parametrize(
        ("text", "code"),
        [(" ", "invalid_attribute_format"), ("x" * 256, "invalid_name_maxlength")],
    )
    def test_no_name_and_a_long_one_are_refused(self, text: str, code: str) -> None:
        assert code_of(names.group_name, text) == code

"""The modals: what a person sees, and what comes back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.card import Reply
from bot.domain.evaluation import Contact
from bot.slack import modals
from bot.slack.ids import Field, View
from bot.slack.modals import About, Letter, Modal
from tests.builders import contact
from tests.slack.checks import NAMES, USERS, check_modal, mrkdwn_of

ABOUT = About(evaluation_id=7, channel="C0CARDS", seen="U0BO")
LETTER = Letter(
    template="welcome",
    templates={"welcome": "Welcome", "trial-ending": "Trial ending"},
    recipient="technical",
    recipients={"technical": contact(), "billing": contact(email="bo@acme.example", name=None)},
    subject="Your trial of Roadmap",
    body="Hello Ana",
    warnings=("Role address, not a person",),
)


def element(modal: Modal, field: Field) -> dict[str, Any]:
    """The input of a field."""
    found: list[dict[str, Any]] = [b["element"] for b in modal["blocks"] if b["type"] == "input"]
    return next(one for one in found if one["action_id"] == field)


def options(modal: Modal, field: Field) -> dict[str, str]:
    """What can be chosen: value to label."""
    return {option["value"]: option["text"]["text"] for option in element(modal, field)["options"]}


@pytest.mark.parametrize("about", [ABOUT, replace(ABOUT, seen=None), replace(ABOUT, channel="")])
def test_what_a_modal_is_about_comes_back_as_it_went(about: About) -> None:
    assert About.unpack(modals.assign(about)["private_metadata"]) == about


@pytest.mark.parametrize("view", [view for view in View if view is not View.MESSAGE])
def test_a_modal_opens_at_once_and_says_that_more_will_come(view: View) -> None:
    loading = modals.loading(view, ABOUT)
    check_modal(loading)
    assert "One moment…" in mrkdwn_of(loading["blocks"])[0]
    assert "submit" not in loading


def test_a_message_says_one_thing_and_can_only_be_closed() -> None:
    said = modals.message("The trial is over.")
    check_modal(said)
    assert mrkdwn_of(said["blocks"]) == ["The trial is over."]
    assert "submit" not in said


def test_a_mail_shows_to_whom_it_goes_and_what_to_know_before() -> None:
    modal = modals.email(ABOUT, LETTER)
    check_modal(modal)
    assert mrkdwn_of(modal["blocks"]) == [":warning: Role address, not a person", "Goes to ana@acme.example"]
    assert options(modal, Field.TEMPLATE) == LETTER.templates
    assert options(modal, Field.RECIPIENT) == {
        "technical": "Ana Ash (technical contact)",
        "billing": "bo@acme.example (billing contact)",
    }
    assert element(modal, Field.TEMPLATE)["initial_option"]["value"] == "welcome"
    assert element(modal, Field.RECIPIENT)["initial_option"]["value"] == "technical"
    assert element(modal, Field.SUBJECT)["initial_value"] == "Your trial of Roadmap"
    assert element(modal, Field.BODY)["initial_value"] == "Hello Ana"


def test_only_what_changes_the_words_is_told_at_once() -> None:
    inputs = [b for b in modals.email(ABOUT, LETTER)["blocks"] if b["type"] == "input"]
    told = {block["element"]["action_id"] for block in inputs if block["dispatch_action"]}
    assert told == {Field.TEMPLATE, Field.RECIPIENT}


@pytest.mark.parametrize(
    ("modal", "field"),
    [
        (modals.email(ABOUT, LETTER), Field.BODY),
        (modals.do_not_contact(ABOUT, {"technical": contact()}), Field.NOTE),
        (modals.contact_again(ABOUT, "They complained"), Field.NOTE),
    ],
    ids=["text", "remark", "reason"],
)
def test_there_is_room_to_write(modal: Modal, field: Field) -> None:
    assert element(modal, field)["multiline"]


def test_the_other_recipient_is_shown_where_the_mail_goes() -> None:
    shown = mrkdwn_of(modals.email(ABOUT, replace(LETTER, recipient="billing"))["blocks"])
    assert shown[-1] == "Goes to bo@acme.example"


def block_ids(letter: Letter) -> dict[Field, str]:
    found = [b for b in modals.email(ABOUT, letter)["blocks"] if b["type"] == "input"]
    return {Field(block["element"]["action_id"]): block["block_id"] for block in found}


@pytest.mark.parametrize(
    "chosen",
    [replace(LETTER, template="trial-ending"), replace(LETTER, recipient="billing")],
    ids=["template", "recipient"],
)
def test_another_choice_brings_other_words_in_place_of_those_that_were_typed(chosen: Letter) -> None:
    before, after = block_ids(LETTER), block_ids(chosen)
    assert {field for field in before if before[field] != after[field]} == {Field.SUBJECT, Field.BODY}


def test_two_contacts_of_one_endless_name_can_be_told_apart() -> None:
    twins = {"technical": contact(name="Ana " * 99), "billing": contact(name="Ana " * 99)}
    labels = options(modals.email(ABOUT, replace(LETTER, recipients=twins)), Field.RECIPIENT)
    assert labels["technical"].endswith("(technical contact)")
    assert labels["billing"].endswith("(billing contact)")


@pytest.mark.parametrize(
    ("field", "words", "shown"),
    [
        (Field.SUBJECT, "x" * 200, "x" * 200),
        (Field.SUBJECT, "x" * 201, "x" * 200),
        (Field.BODY, "x" * 3001, "x" * 3000),
        (Field.SUBJECT, "", None),
        (Field.BODY, "", None),
    ],
    ids=["subject that fits", "subject too long", "text too long", "no subject", "no text"],
)
def test_words_are_cut_to_what_their_input_takes(field: Field, words: str, shown: str | None) -> None:
    modal = modals.email(ABOUT, replace(LETTER, subject=words, body=words))
    assert element(modal, field).get("initial_value") == shown


def test_a_do_not_contact_mark_asks_who_and_why() -> None:
    modal = modals.do_not_contact(ABOUT, {"billing": contact(), "technical": contact(email="bo@acme.example")})
    check_modal(modal)
    assert "nobody can mail this address from here, *for any evaluation*" in mrkdwn_of(modal["blocks"])[0]
    assert options(modal, Field.RECIPIENT) == {
        "billing": "ana@acme.example (billing contact)",
        "technical": "bo@acme.example (technical contact)",
    }
    assert element(modal, Field.RECIPIENT)["initial_option"]["value"] == "billing"
    assert {Reply[name].value: label for name, label in options(modal, Field.REASON).items()} == {
        reply.value: reply.value for reply in Reply
    }
    assert "initial_option" not in element(modal, Field.REASON)


def optional(modal: Modal) -> bool:
    return bool(next(b for b in modal["blocks"] if b.get("block_id") == Field.NOTE)["optional"])


def test_lifting_a_mark_needs_a_reason_and_setting_one_does_not() -> None:
    assert optional(modals.do_not_contact(ABOUT, {"technical": contact()}))
    assert not optional(modals.contact_again(ABOUT, "They complained"))


@pytest.mark.parametrize(
    ("owner", "said"), [("U0BO", "Owner now: <@U0BO>"), (None, "It has no owner yet.")], ids=["owned", "not owned"]
)
def test_assigning_starts_from_the_owner_there_is(owner: str | None, said: str) -> None:
    modal = modals.assign(replace(ABOUT, seen=owner))
    check_modal(modal)
    assert mrkdwn_of(modal["blocks"]) == [said]
    assert element(modal, Field.OWNER).get("initial_user") == owner


@pytest.mark.parametrize(
    ("state", "filled"),
    [
        pytest.param({"type": "plain_text_input", "value": "Hello"}, {Field.NOTE: "Hello"}, id="text"),
        pytest.param({"type": "plain_text_input", "value": None}, {}, id="no text"),
        pytest.param(
            {"type": "static_select", "selected_option": {"text": {}, "value": "LEGAL"}},
            {Field.NOTE: "LEGAL"},
            id="option",
        ),
        pytest.param({"type": "static_select", "selected_option": None}, {}, id="no option"),
        pytest.param({"type": "users_select", "selected_user": "U0BO"}, {Field.NOTE: "U0BO"}, id="user"),
        pytest.param({"type": "users_select", "selected_user": None}, {}, id="no user"),
    ],
)
def test_what_a_person_filled_in_is_read_by_field(state: Mapping[str, Any], filled: dict[Field, str]) -> None:
    assert modals.values({"state": {"values": {"any": {Field.NOTE.value: state}}}}) == filled


def words(subject: str | None, body: str | None) -> dict[str, Any]:
    """A mail as it comes back."""
    typed = {Field.SUBJECT: subject, Field.BODY: body}
    return {"state": {"values": {f"block of {field}": {field.value: {"value": typed[field]}} for field in typed}}}


@pytest.mark.parametrize(
    ("view", "asked"),
    [
        pytest.param(words("Hello", "Ana"), [], id="written"),
        pytest.param(words(" ", "Ana"), [Field.SUBJECT], id="a blank subject"),
        pytest.param(words("Hello", "\n\t"), [Field.BODY], id="a blank text"),
        pytest.param(words(None, None), [Field.SUBJECT, Field.BODY], id="nothing"),
        pytest.param({"state": {"values": {"block of note": {"opt_out.note": {"value": " "}}}}}, [], id="a blank note"),
    ],
)
def test_a_mail_of_white_space_is_asked_for_again(view: dict[str, Any], asked: list[Field]) -> None:
    assert modals.blank(view) == {f"block of {field}": "Please write something." for field in asked}


def test_inputs_of_another_version_of_the_bot_are_passed_over() -> None:
    assert modals.values({"state": {"values": {"any": {"mail.colour": {"value": "red"}}}}}) == {}


PEOPLE = st.builds(Contact, email=NAMES, name=st.none() | NAMES)
ABOUTS = st.builds(
    About,
    evaluation_id=st.integers(0, 2**63),
    channel=st.text("C0123456789", max_size=20),
    seen=st.none() | st.sampled_from(USERS),
)


@given(
    about=ABOUTS,
    recipients=st.fixed_dictionaries({"technical": PEOPLE}, optional={"billing": PEOPLE}),
    words=st.lists(NAMES, min_size=4, max_size=4),
)
def test_slack_takes_every_modal_about_anybody(about: About, recipients: dict[str, Contact], words: list[str]) -> None:
    name, subject, body, reason = words
    letter = replace(LETTER, recipients=recipients, templates={"welcome": name}, subject=subject, body=body)
    check_modal(modals.email(about, letter))
    check_modal(modals.do_not_contact(about, recipients))
    check_modal(modals.contact_again(about, reason))
    check_modal(modals.assign(about))

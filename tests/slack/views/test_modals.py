"""The modals: what a person sees, and what comes back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.dnc import REASON_CHOICES, DncEntry, DncReason, DncScope, DncTarget
from bot.domain.evaluation import Contact
from bot.domain.mail import LawfulBasis
from bot.slack.ids import Field, View
from bot.slack.views import assign_form, dnc_forms, email_form, modals, submissions
from bot.slack.views.email_form import MailForm
from bot.slack.views.modal_metadata import (
    AssignMetadata,
    ContactAgainMetadata,
    EmailMetadata,
    ModalMetadata,
    PreviewMetadata,
)
from bot.slack.views.modals import Modal
from tests.builders import contact, opt_out
from tests.slack.checks import NAMES, USERS, check_modal, mrkdwn_of
from tests.slack.test_mrkdwn import links_in

ABOUT = ModalMetadata(evaluation_id=7, channel="C0CARDS")
ENTRY = ContactAgainMetadata.about(ABOUT, added_at=datetime(2026, 11, 23, tzinfo=UTC))
LETTER = MailForm(
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


@pytest.mark.parametrize("view", [view for view in View if view not in {View.MESSAGE, View.DNC_ADD, View.DNC_LIFT}])
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
    modal = email_form.email(ABOUT, LETTER)
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


def test_a_ground_is_asked_for_where_one_is_needed_and_nowhere_else() -> None:
    modal = email_form.email(ABOUT, replace(LETTER, needs_lawful_basis=True))
    check_modal(modal)
    assert options(modal, Field.GROUND) == {ground.name: ground.value for ground in LawfulBasis}
    assert "initial_option" not in element(modal, Field.GROUND)
    fields = [b["element"]["action_id"] for b in email_form.email(ABOUT, LETTER)["blocks"] if b["type"] == "input"]
    assert Field.GROUND not in fields


def test_the_form_remembers_with_which_words_it_was_painted() -> None:
    letter = replace(LETTER, template="welcome.de", templates={"welcome.de": "Welcome (de)"})
    about = EmailMetadata.unpack(email_form.email(ABOUT, letter)["private_metadata"])
    assert about == EmailMetadata.about(ABOUT, template="welcome.de", recipient="technical")


def test_only_what_changes_the_words_is_told_at_once() -> None:
    inputs = [b for b in email_form.email(ABOUT, LETTER)["blocks"] if b["type"] == "input"]
    told = {block["element"]["action_id"] for block in inputs if block["dispatch_action"]}
    assert told == {Field.TEMPLATE, Field.RECIPIENT}


@pytest.mark.parametrize(
    ("modal", "field"),
    [
        (email_form.email(ABOUT, LETTER), Field.BODY),
        (dnc_forms.do_not_contact(ABOUT, {"technical": contact()}), Field.NOTE),
        (dnc_forms.contact_again(ENTRY, opt_out()), Field.NOTE),
    ],
    ids=["text", "remark", "reason"],
)
def test_there_is_room_to_write(modal: Modal, field: Field) -> None:
    assert element(modal, field)["multiline"]


def test_the_other_recipient_is_shown_where_the_mail_goes() -> None:
    shown = mrkdwn_of(email_form.email(ABOUT, replace(LETTER, recipient="billing"))["blocks"])
    assert shown[-1] == "Goes to bo@acme.example"


def block_ids(letter: MailForm) -> dict[Field, str]:
    found = [b for b in email_form.email(ABOUT, letter)["blocks"] if b["type"] == "input"]
    return {Field(block["element"]["action_id"]): block["block_id"] for block in found}


@pytest.mark.parametrize(
    "chosen",
    [replace(LETTER, template="trial-ending"), replace(LETTER, recipient="billing")],
    ids=["template", "recipient"],
)
def test_another_choice_brings_other_words_in_place_of_those_that_were_typed(chosen: MailForm) -> None:
    before, after = block_ids(LETTER), block_ids(chosen)
    assert {field for field in before if before[field] != after[field]} == {Field.SUBJECT, Field.BODY}


def test_two_contacts_of_one_endless_name_can_be_told_apart() -> None:
    twins = {"technical": contact(name="Ana " * 99), "billing": contact(name="Ana " * 99)}
    labels = options(email_form.email(ABOUT, replace(LETTER, recipients=twins)), Field.RECIPIENT)
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
    modal = email_form.email(ABOUT, replace(LETTER, subject=words, body=words))
    assert element(modal, field).get("initial_value") == shown


def test_a_do_not_contact_mark_asks_who_and_why() -> None:
    modal = dnc_forms.do_not_contact(ABOUT, {"billing": contact(), "technical": contact(email="bo@acme.example")})
    check_modal(modal)
    assert "email this address from here, *for any evaluation*" in mrkdwn_of(modal["blocks"])[0]
    assert options(modal, Field.RECIPIENT) == {
        "billing": "ana@acme.example (billing contact)",
        "technical": "bo@acme.example (technical contact)",
    }
    assert element(modal, Field.RECIPIENT)["initial_option"]["value"] == "billing"
    assert options(modal, Field.REASON) == {cause.name: cause.words for cause in REASON_CHOICES}
    assert "initial_option" not in element(modal, Field.REASON)


def optional(modal: Modal) -> bool:
    return bool(next(b for b in modal["blocks"] if b.get("block_id") == Field.NOTE)["optional"])


def test_lifting_a_mark_needs_a_reason_and_setting_one_does_not() -> None:
    assert optional(dnc_forms.do_not_contact(ABOUT, {"technical": contact()}))
    assert not optional(dnc_forms.contact_again(ENTRY, opt_out()))


@pytest.mark.parametrize(
    ("no", "said"),
    [
        pytest.param(
            opt_out(),
            "Blocked: *They asked us not to email them*. Remove this only if they agreed, or if it was a mistake.",
            id="written down by the team",
        ),
        pytest.param(
            opt_out(reason=DncReason.UNSUBSCRIBED, by=None),
            "Blocked: *They unsubscribed*. Remove this only with their *written consent*, and say where it is.",
            id="said by themselves",
        ),
        pytest.param(
            opt_out(reason=DncReason.TEAM, target=DncTarget(scope=DncScope.DOMAIN, value="acme.example")),
            "Blocked anyone at acme.example: *The team decided*. "
            "Remove this only if they agreed, or if it was a mistake.",
            id="a domain",
        ),
    ],
)
def test_whoever_lifts_a_mark_sees_which_and_what_it_takes(no: DncEntry, said: str) -> None:
    modal = dnc_forms.contact_again(ENTRY, no)
    check_modal(modal)
    assert mrkdwn_of(modal["blocks"]) == [said]


@pytest.mark.parametrize(
    ("owner", "said"), [("U0BO", "Owner now: <@U0BO>"), (None, "It has no owner yet.")], ids=["owned", "not owned"]
)
def test_assigning_starts_from_the_owner_there_is(owner: str | None, said: str) -> None:
    modal = assign_form.assign(AssignMetadata.about(ABOUT, owner=owner))
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
    assert submissions.values({"state": {"values": {"any": {Field.NOTE.value: state}}}}) == filled


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
    assert submissions.blank(view) == {f"block of {field}": "Please write something." for field in asked}


def test_inputs_of_another_version_of_the_bot_are_passed_over() -> None:
    assert submissions.values({"state": {"values": {"any": {"mail.colour": {"value": "red"}}}}}) == {}


# --- The preview -----------------------------------------------------------------------------------------------------


def filled(
    letter: MailForm = LETTER, *, ground: LawfulBasis | None = None, about: ModalMetadata = ABOUT
) -> dict[str, Any]:
    """The form of a letter as it comes back when it is sent."""
    modal = email_form.email(about, replace(letter, needs_lawful_basis=ground is not None))
    state = {}
    for block in modal["blocks"]:
        if block["type"] == "input":
            asked = block["element"]
            chosen = asked.get("initial_option")
            if asked["action_id"] == Field.GROUND and ground is not None:
                chosen = {"text": {"type": "plain_text", "text": ground.value}, "value": ground.name}
            state[block["block_id"]] = {
                asked["action_id"]: {"value": asked.get("initial_value"), "selected_option": chosen}
            }
    return {**modal, "state": {"values": state}}


def previewed(form: dict[str, Any]) -> Modal:
    return email_form.preview(form, submissions.values(form), "t0k3n")


def test_the_preview_shows_what_is_sent_and_to_whom() -> None:
    letter = replace(LETTER, body="Hello **Ana**,\n\nsee [the docs](https://vendor.example/docs).")
    modal = previewed(filled(letter))
    check_modal(modal, links=["https://vendor.example/docs"])
    assert mrkdwn_of(modal["blocks"]) == [
        "To Ana Ash (technical contact)",
        "*Your trial of Roadmap*",
        "Hello *Ana*,\n\nsee <https://vendor.example/docs|the docs>.",
        "Below it follow why they get this, how to say no, and your postal address.",
    ]
    assert (modal["submit"]["text"], modal["close"]["text"]) == ("Send", "Back")


@pytest.mark.parametrize("ground", [None, *LawfulBasis])
def test_the_preview_knows_where_the_words_are_and_on_what_ground_they_go(ground: LawfulBasis | None) -> None:
    about = PreviewMetadata.unpack(previewed(filled(ground=ground))["private_metadata"])
    assert about == PreviewMetadata.about(ABOUT, draft="t0k3n", basis=ground)


def test_a_token_belongs_to_one_form_that_was_sent() -> None:
    tokens = {submissions.draft_token(trigger) for trigger in ("1.2.a", "1.2.b", "")}
    assert len(tokens) == 3
    assert submissions.draft_token("1.2.a") in tokens
    assert all(len(token) == 32 and token.isalnum() for token in tokens)


def test_slack_is_told_at_once_what_comes_next() -> None:
    form = filled()
    assert submissions.acknowledgement(form, "t0k3n") == {"response_action": "push", "view": previewed(form)}
    sent = {**previewed(form), "state": {"values": {}}}
    assert submissions.acknowledgement(sent, "") == {"response_action": "clear"}


def test_a_form_without_words_stays_open_and_says_what_is_missing() -> None:
    form = filled(replace(LETTER, subject=" "))
    assert submissions.acknowledgement(form, "t0k3n") == {
        "response_action": "errors",
        "errors": {"mail.subject.welcome.technical": "Please write something."},
    }


@pytest.mark.parametrize("callback", [View.ASSIGN, View.DO_NOT_CONTACT, View.CONTACT_AGAIN, View.MESSAGE, "of.old"])
def test_any_other_modal_closes(callback: str) -> None:
    assert submissions.acknowledgement({"callback_id": callback, "state": {"values": {}}}, "t0k3n") == {}


@given(
    name=NAMES,
    subject=NAMES.map(lambda text: text[:200]).filter(str.strip),
    body=NAMES.map(lambda text: text[:3000]).filter(str.strip),
    ground=st.none() | st.sampled_from(LawfulBasis),
)
def test_slack_takes_the_preview_of_any_mail(name: str, subject: str, body: str, ground: LawfulBasis | None) -> None:
    letter = replace(LETTER, recipients={"technical": contact(name=name)}, subject=subject, body=body)
    check_modal(previewed(filled(letter, ground=ground)), links=links_in(body))


PEOPLE = st.builds(Contact, email=NAMES, name=st.none() | NAMES)
ABOUTS = st.builds(
    ModalMetadata,
    evaluation_id=st.integers(1, 2**63 - 1),
    channel=st.text("C0123456789", max_size=20),
    card=st.none() | st.text("0123456789.", max_size=20),
)


@given(
    about=ABOUTS,
    recipients=st.fixed_dictionaries({"technical": PEOPLE}, optional={"billing": PEOPLE}),
    words=st.lists(NAMES, min_size=4, max_size=4),
    owner=st.none() | st.sampled_from(USERS),
)
def test_slack_takes_every_modal_about_anybody(
    about: ModalMetadata, recipients: dict[str, Contact], words: list[str], owner: str | None
) -> None:
    name, subject, body, host = words
    letter = replace(LETTER, recipients=recipients, templates={"welcome": name}, subject=subject, body=body)
    check_modal(email_form.email(about, letter))
    check_modal(dnc_forms.do_not_contact(about, recipients))
    check_modal(
        dnc_forms.contact_again(
            ContactAgainMetadata.about(about, added_at=ENTRY.added_at),
            opt_out(target=DncTarget(scope=DncScope.SITE, value=host)),
        )
    )
    check_modal(assign_form.assign(AssignMetadata.about(about, owner=owner)))

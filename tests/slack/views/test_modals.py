"""The modals: what a person sees, and what comes back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.country_rules import CountryRule, Rule
from bot.domain.dnc import DncEntry, DncScope, DncTarget
from bot.domain.dnc_reason import REASON_CHOICES, DncReason
from bot.domain.evaluation import Contact
from bot.domain.mail import LawfulBasis, MailOutcome, MailPreview, MailState
from bot.slack.ids import Field, Settle, View
from bot.slack.views import assign_form, dnc_forms, email_form, email_preview, modals, replies, submissions
from bot.slack.views.email_form import BasisQuestion, MailForm
from bot.slack.views.modal_metadata import (
    AssignMetadata,
    ContactAgainMetadata,
    EmailMetadata,
    ModalMetadata,
    PreviewMetadata,
)
from bot.slack.views.modals import Modal
from tests.builders import contact, dnc_entry
from tests.slack.checks import NAMES, USERS, check_modal, mrkdwn_of
from tests.slack.test_mrkdwn import links_in

ABOUT = ModalMetadata(evaluation_id=7, channel="C0CARDS")
OF_THEIR_OWN = (View.MESSAGE, View.DNC_ADD, View.DNC_LIFT)
COMPLETE_AT_ONCE = (View.HAND_OVER, View.FIND, View.REPORT, View.AWAY, View.SETTINGS)
"""Forms that need nothing from the store."""
ENTRY = ContactAgainMetadata.about(ABOUT, added_at=datetime(2026, 11, 23, tzinfo=UTC))
LETTER = MailForm(
    company="Kiwi Placeholder Ltd",
    app="Roadmap for Jira",
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


@pytest.mark.parametrize("view", [view for view in View if view not in {*OF_THEIR_OWN, *COMPLETE_AT_ONCE}])
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


def test_the_email_form_shows_the_recipient_and_what_to_know_before() -> None:
    modal = email_form.email(ABOUT, LETTER)
    check_modal(modal)
    assert modal["title"]["text"] == "Email Kiwi Placeholder…"
    assert mrkdwn_of(modal["blocks"]) == [
        "*Kiwi Placeholder Ltd*\nRoadmap for Jira",
        ":warning: Role address, not a person",
        "Goes to ana@acme.example",
    ]
    assert options(modal, Field.TEMPLATE) == LETTER.templates
    assert options(modal, Field.RECIPIENT) == {
        "technical": "Ana Ash (technical contact)",
        "billing": "bo@acme.example (billing contact)",
    }
    assert element(modal, Field.TEMPLATE)["initial_option"]["value"] == "welcome"
    assert element(modal, Field.RECIPIENT)["initial_option"]["value"] == "technical"
    assert element(modal, Field.SUBJECT)["initial_value"] == "Your trial of Roadmap"
    assert element(modal, Field.BODY)["initial_value"] == "Hello Ana"


@pytest.mark.parametrize(
    ("company", "title"),
    [
        ("Acme", "Email Acme"),
        ("Eighteen Letters AG", "Email Eighteen Letters…"),
        ("Kiwi, Placeholder & Sons", "Email Kiwi, Placeholder…"),
        ("Donaudampfschifffahrtsgesellschaft", "Email Donaudampfschifff…"),
    ],
)
def test_a_title_that_is_too_long_is_cut_between_words(company: str, title: str) -> None:
    assert email_form.email(ABOUT, replace(LETTER, company=company))["title"]["text"] == title


NO_RULE = CountryRule(rule=Rule.CONFIRM)
NZ = CountryRule(rule=Rule.CONFIRM, why="You need consent.", law="https://law.example/nz")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            BasisQuestion(country="Chile", rule=NO_RULE),
            "We have no rule for Chile, so please choose a legal basis.",
        ),
        (BasisQuestion(rule=NO_RULE), "We don't know their country, so please choose a legal basis."),
        (
            BasisQuestion(country="New Zealand", rule=NZ),
            "New Zealand: You need consent. <https://law.example/nz|Read the law>",
        ),
        (
            BasisQuestion(),
            "This address may not belong to the person who started the trial, so please choose a legal basis.",
        ),
    ],
)
def test_the_form_says_why_it_asks_for_a_legal_basis(question: BasisQuestion, said: str) -> None:
    modal = email_form.email(ABOUT, replace(LETTER, basis=question))
    check_modal(modal, links=["https://law.example/nz"])
    assert mrkdwn_of(modal["blocks"])[-1] == said
    assert options(modal, Field.BASIS) == {basis.name: basis.value for basis in LawfulBasis if not basis.is_of_answer}
    assert "initial_option" not in element(modal, Field.BASIS)


def test_no_legal_basis_is_asked_for_where_none_is_needed() -> None:
    fields = [b["element"]["action_id"] for b in email_form.email(ABOUT, LETTER)["blocks"] if b["type"] == "input"]
    assert Field.BASIS not in fields


@pytest.mark.parametrize(
    ("is_last", "label"),
    [(False, "Existing customer, similar product"), (True, "Existing customer, similar product – last time")],
)
def test_the_answer_of_last_time_is_marked_and_that_of_the_rule_is_not(*, is_last: bool, label: str) -> None:
    question = BasisQuestion(country="Chile", rule=NO_RULE, suggested=LawfulBasis.CUSTOMER, is_last=is_last)
    modal = email_form.email(ABOUT, replace(LETTER, basis=question))
    check_modal(modal)
    assert element(modal, Field.BASIS)["initial_option"]["text"]["text"] == label


def test_a_template_that_cannot_be_filled_has_no_words_and_cannot_be_sent() -> None:
    form = filled(replace(LETTER, problem="This template needs the company. Please choose another one."))
    check_modal({key: value for key, value in form.items() if key != "state"})
    assert mrkdwn_of(form["blocks"])[-1].endswith("This template needs the company. Please choose another one.")
    assert submissions.acknowledgement(form) == submissions.errors(
        {Field.TEMPLATE: "This template can't be filled in here. Please choose another one."}
    )


@pytest.mark.parametrize(
    ("subject", "body", "placeholder"),
    [
        ("Hello {{ first_name }}", "Hi", "{{ first_name }}"),
        ("Hello", "Hi {{ first_name", "{{ first_name"),
        ("Hello", "Hi {% if site %}", "{% if site %}"),
        ("Hello", "Hi [First name],", "[First name]"),
        ("Hello", "Hi <your company>", "<your company>"),
        ("Hello", "until {trial_ends}", "{trial_ends}"),
    ],
)
def test_a_placeholder_that_nobody_filled_in_is_refused_at_its_field(subject: str, body: str, placeholder: str) -> None:
    wrong = submissions.acknowledgement(filled(replace(LETTER, subject=subject, body=body)))["errors"]
    [block_id] = wrong
    assert block_id.startswith(Field.SUBJECT if placeholder in subject else Field.BODY)
    assert wrong[block_id] == f"Please fill in or remove “{placeholder}”."


@pytest.mark.parametrize("body", ["[our site](https://vendor.example)", "[Beta] {Code} <ana@acme.example> a < b > c"])
def test_brackets_alone_are_no_placeholder(body: str) -> None:
    assert submissions.acknowledgement(filled(replace(LETTER, body=body))) == {}


def test_the_form_remembers_with_which_words_it_was_painted() -> None:
    letter = replace(LETTER, template="welcome.de", templates={"welcome.de": "Welcome (de)"})
    about = EmailMetadata.unpack(email_form.email(ABOUT, letter)["private_metadata"])
    assert about == EmailMetadata.about(ABOUT, template="welcome.de", recipient="technical", edits={})


def test_only_inputs_that_change_the_words_send_their_choice_at_once() -> None:
    inputs = [b for b in email_form.email(ABOUT, LETTER)["blocks"] if b["type"] == "input"]
    reported = {block["element"]["action_id"] for block in inputs if block["dispatch_action"]}
    assert reported == {Field.TEMPLATE, Field.RECIPIENT}


@pytest.mark.parametrize(
    ("modal", "field"),
    [
        (email_form.email(ABOUT, LETTER), Field.BODY),
        (dnc_forms.do_not_contact(ABOUT, {"technical": contact()}), Field.NOTE),
        (dnc_forms.contact_again(ENTRY, dnc_entry()), Field.NOTE),
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


def test_the_form_to_block_asks_who_and_why() -> None:
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


def test_unblocking_needs_a_reason_and_blocking_does_not() -> None:
    assert optional(dnc_forms.do_not_contact(ABOUT, {"technical": contact()}))
    assert not optional(dnc_forms.contact_again(ENTRY, dnc_entry()))


@pytest.mark.parametrize(
    ("no", "said"),
    [
        pytest.param(
            dnc_entry(),
            "Blocked: *They asked us not to email them*. Remove this only if they agreed, or if it was a mistake.",
            id="written down by the team",
        ),
        pytest.param(
            dnc_entry(reason=DncReason.UNSUBSCRIBED, by=None),
            "Blocked: *They unsubscribed*. Remove this only with their *written consent*, and say where it is.",
            id="said by themselves",
        ),
        pytest.param(
            dnc_entry(reason=DncReason.TEAM, target=DncTarget(scope=DncScope.DOMAIN, value="acme.example")),
            "Blocked anyone at acme.example: *The team decided*. "
            "Remove this only if they agreed, or if it was a mistake.",
            id="a domain",
        ),
    ],
)
def test_the_form_to_unblock_shows_the_entry_and_what_it_takes(no: DncEntry, said: str) -> None:
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


def filled(letter: MailForm = LETTER) -> dict[str, Any]:
    """The email form as Slack sends it back."""
    modal = email_form.email(ABOUT, letter)
    state = {}
    for block in modal["blocks"]:
        if block["type"] == "input":
            asked = block["element"]
            chosen = {"value": asked.get("initial_value"), "selected_option": asked.get("initial_option")}
            state[block["block_id"]] = {asked["action_id"]: chosen}
    return {**modal, "state": {"values": state}}


PREVIEW = MailPreview(
    sender="Vendor <hello@vendor.example>",
    to="Ana Ash <ana@acme.example>",
    reply_to="bo@vendor.example",
    basis=LawfulBasis.REQUEST,
    subject="Your trial of Roadmap",
    body="Hello **Ana**,\n\nsee [the docs](https://vendor.example/docs).",
    footer="You're receiving this email because of a trial.\n\nVendor\n1 Sample Street",
)
SHOWN = PreviewMetadata.about(ABOUT, draft="t0k3n", basis=LawfulBasis.REQUEST)


def test_the_preview_shows_all_that_is_sent_with_its_footer() -> None:
    modal = email_preview.preview(SHOWN, PREVIEW)
    check_modal(modal, links=["https://vendor.example/docs"])
    assert mrkdwn_of(modal["blocks"]) == [
        (
            "*From* Vendor &lt;hello@vendor.example&gt;\n*To* Ana Ash &lt;ana@acme.example&gt;\n"
            "*Reply-To* bo@vendor.example\n*Legal basis* They asked us a question, or for help"
        ),
        "*Subject* Your trial of Roadmap",
        "Hello *Ana*,\n\nsee <https://vendor.example/docs|the docs>.",
        "You're receiving this email because of a trial.",
        "Vendor\n1 Sample Street",
    ]
    assert (modal["submit"]["text"], modal["close"]["text"]) == ("Send", "Back")
    assert PreviewMetadata.unpack(modal["private_metadata"]) == SHOWN


def test_while_an_email_is_held_the_modal_offers_to_cancel_it_and_closes_all() -> None:
    modal = email_preview.sending(ABOUT, replies.held_text(timedelta(seconds=9.7), "Ana <Ash>"), mail_id=12)
    check_modal(modal)
    assert mrkdwn_of(modal["blocks"]) == [
        ":hourglass_flowing_sand: Sending to Ana &lt;Ash&gt; in 10 s. You can close this window."
    ]
    [button] = modal["blocks"][1]["elements"]
    assert (button["action_id"], button["text"]["text"], button["value"]) == (Settle.UNDO, "Undo", "12")
    assert modal["clear_on_close"]


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        (MailState.SENT, "", ":white_check_mark: Sent to Ana Ash."),
        (MailState.CANCELLED, "", ":leftwards_arrow_with_hook: Cancelled. Nothing was sent."),
        (MailState.FAILED, "It is blocked.", ":no_entry_sign: Not sent to Ana Ash. It is blocked."),
        (
            MailState.UNKNOWN,
            "Lost.",
            ":warning: We don't know whether the email to Ana Ash arrived. The buttons in the card's thread help.",
        ),
        (
            MailState.DEFERRED,
            "Later.",
            ":hourglass_flowing_sand: Not sent yet. Later. We'll keep trying; the card shows the result.",
        ),
        (MailState.SENDING, "", ":hourglass_flowing_sand: Sending to Ana Ash…"),
    ],
)
def test_what_became_of_an_email_is_said_in_one_line(state: MailState, error: str, said: str) -> None:
    assert email_preview.outcome_text(MailOutcome(state=state, error=error), "Ana Ash") == said


def test_a_token_belongs_to_one_form_that_was_sent() -> None:
    tokens = {submissions.draft_token(trigger) for trigger in ("1.2.a", "1.2.b", "")}
    assert len(tokens) == 3
    assert submissions.draft_token("1.2.a") in tokens
    assert all(len(token) == 32 and token.isalnum() for token in tokens)


def test_a_form_that_is_complete_awaits_its_preview_and_a_preview_shows_that_it_is_sent() -> None:
    assert submissions.acknowledgement(filled()) == {}
    sent = {**email_preview.preview(SHOWN, PREVIEW), "state": {"values": {}}}
    assert submissions.acknowledgement(sent) == {
        "response_action": "update",
        "view": email_preview.sending(ABOUT, submissions.SENDING),
    }


def test_a_form_without_words_stays_open_and_says_what_is_missing() -> None:
    letter = replace(LETTER, subject=" ")
    assert submissions.acknowledgement(filled(letter)) == {
        "response_action": "errors",
        "errors": {block_ids(letter)[Field.SUBJECT]: "Please write something."},
    }


def test_going_back_to_a_template_does_not_bring_back_what_was_typed_before() -> None:
    first, again = LETTER, replace(LETTER, edits={"welcome": "a token"})
    other = replace(LETTER, body="Other words")
    assert len({block_ids(each)[Field.BODY] for each in (first, again, other)}) == 3


@pytest.mark.parametrize("callback", [View.ASSIGN, View.DO_NOT_CONTACT, View.CONTACT_AGAIN, View.MESSAGE, "of.old"])
def test_any_other_modal_closes(callback: str) -> None:
    assert submissions.acknowledgement({"callback_id": callback, "state": {"values": {}}}) == {}


@example(words=["<" * 5000] * 6, basis=LawfulBasis.TRIAL)
@example(words=["a\n\nb" * 1000] * 6, basis=LawfulBasis.TRIAL)
@given(words=st.lists(NAMES, min_size=6, max_size=6), basis=st.sampled_from(LawfulBasis))
def test_slack_takes_the_preview_of_any_mail(words: list[str], basis: LawfulBasis) -> None:
    sender, to, reply_to, subject, body, footer = words
    mail = MailPreview(
        sender=sender, to=to, reply_to=reply_to, basis=basis, subject=subject, body=body[:3000], footer=footer
    )
    check_modal(email_preview.preview(SHOWN, mail), links=links_in(body))
    check_modal(email_preview.sending(ABOUT, email_preview.late_text(to), mail_id=2**63 - 1))


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
    letter = replace(
        LETTER, company=host, app=name, recipients=recipients, templates={"welcome": name}, subject=subject, body=body
    )
    check_modal(email_form.email(about, letter))
    check_modal(dnc_forms.do_not_contact(about, recipients))
    check_modal(
        dnc_forms.contact_again(
            ContactAgainMetadata.about(about, added_at=ENTRY.added_at),
            dnc_entry(target=DncTarget(scope=DncScope.SITE, value=host)),
        )
    )
    check_modal(assign_form.assign(AssignMetadata.about(about, owner=owner)))

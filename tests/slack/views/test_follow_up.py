"""Notes as quotes, the forms, and the reminder: what people read, and what Slack takes."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given

from bot.domain.evaluation import DispositionChange, NotForUsReason, State
from bot.domain.history import CalledNotForUs, Entry, NoteAdded
from bot.domain.note import Note
from bot.domain.snooze import SnoozeChoice, SnoozeRefused
from bot.slack.ids import Field, NoteButton
from bot.slack.views import follow_up_forms, replies, submissions
from bot.slack.views.card import rest_buttons
from bot.slack.views.history import entry_message
from bot.slack.views.modal_metadata import ModalMetadata, NoteMetadata
from bot.slack.views.reminder import reminder_message
from tests.builders import NOON, OPEN, TODAY, card, evaluation, trial
from tests.slack.checks import NAMES, NASTY, WORKSPACE, check, check_modal

ABOUT = ModalMetadata(evaluation_id=7, channel="C0CARDS")
AT_NOON = f"<!date^{int(NOON.timestamp())}^{{date_short_pretty}} {{time}}|2026-11-23 12:00 UTC>"
NOTE = Note(id=5, evaluation_id=7, author="U0BO", at=NOON, text="Call *Ana*\n<!channel>")


def line(fact: NoteAdded | CalledNotForUs) -> Entry:
    return Entry(at=NOON, actor="U0BO", fact=fact)


def test_a_note_is_a_quote_in_which_nothing_is_markup() -> None:
    message = entry_message(line(NoteAdded(note_id=5, note=NOTE)))
    check(message)
    head, quote, buttons = message.blocks
    assert head["text"]["text"] == f":pencil: <@U0BO> added a note · {AT_NOON}"
    assert quote["elements"] == [
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "Call *Ana*\n<!channel>"}]}
    ]
    assert [(each["action_id"], each["value"]) for each in buttons["elements"]] == [
        (NoteButton.EDIT, "5"),
        (NoteButton.DELETE, "5"),
    ]
    assert "<!channel>" not in message.text


@pytest.mark.parametrize(
    ("deleted_at", "said"),
    [
        pytest.param(NOON, ":pencil: <@U0BO> deleted their note.", id="deleted"),
        pytest.param(None, ":pencil: A note by <@U0BO> was erased.", id="erased"),
    ],
)
def test_a_note_that_is_gone_says_so_and_nothing_else(deleted_at: datetime | None, said: str) -> None:
    message = entry_message(line(NoteAdded(note_id=5, note=replace(NOTE, text="", deleted_at=deleted_at))))
    check(message)
    assert (message.text, len(message.blocks)) == (said, 1)


def test_the_words_beside_a_reason_are_quoted_too() -> None:
    message = entry_message(line(CalledNotForUs(reason=NotForUsReason.OTHER, note_id=5, note=replace(NOTE, text="A"))))
    check(message)
    assert message.text == ":no_entry: *Not for us*: other (<@U0BO>): “A”"
    assert message.blocks[0]["text"]["text"] == f":no_entry: *Not for us*: other (<@U0BO>) · {AT_NOON}"


@given(text=NAMES)
def test_slack_takes_any_note(text: str) -> None:
    check(entry_message(line(NoteAdded(note_id=5, note=replace(NOTE, text=text[:2000] or "–")))))


def test_the_forms_are_such_that_slack_takes_them() -> None:
    for form in (
        follow_up_forms.note_form(ABOUT),
        follow_up_forms.edit_form(ABOUT, replace(NOTE, text="x" * 2000)),
        follow_up_forms.not_for_us_form(ABOUT),
        follow_up_forms.rest_of_menu(ABOUT, rest_buttons(card(evaluation=evaluation(owner="U0BO")))),
        *(
            follow_up_forms.snooze_form(ABOUT, choice, ends=date(2026, 12, 20), start=NOON + timedelta(days=1))
            for choice in SnoozeChoice
        ),
    ):
        check_modal(form)


def test_the_form_of_a_note_knows_the_note() -> None:
    form = follow_up_forms.edit_form(ABOUT, NOTE)
    assert NoteMetadata.unpack(form["private_metadata"]) == NoteMetadata.about(ABOUT, note_id=5)


@pytest.mark.parametrize(("choice", "inputs"), [(SnoozeChoice.MONDAY, 1), (SnoozeChoice.PICK, 2)])
def test_the_picker_is_there_once_it_is_chosen(choice: SnoozeChoice, inputs: int) -> None:
    form = follow_up_forms.snooze_form(ABOUT, choice, ends=None, start=NOON)
    assert len([block for block in form["blocks"] if block["type"] == "input"]) == inputs
    assert [option["text"]["text"] for option in form["blocks"][0]["element"]["options"]] == [
        "1 hour",
        "Tomorrow",
        "Monday",
        "Pick…",
    ]


def filled(callback_id: str, **values: object) -> dict[str, object]:
    """A submitted view with one value for each field."""
    state = {name: {name: value} for name, value in values.items()}
    return {"callback_id": callback_id, "private_metadata": ABOUT.pack(), "state": {"values": state}}


def test_other_needs_words() -> None:
    reason = {"selected_option": {"value": "other"}}
    view = filled("not_for_us", **{Field.NOT_FOR_US: reason, Field.NOT_FOR_US_WORDS: {"value": " "}})
    assert submissions.acknowledgement(view)["errors"] == {Field.NOT_FOR_US_WORDS: "Please say why."}
    view = filled("not_for_us", **{Field.NOT_FOR_US: reason, Field.NOT_FOR_US_WORDS: {"value": "They only look"}})
    assert submissions.acknowledgement(view) == {}


@pytest.mark.parametrize(
    ("picked", "at"), [(int(NOON.timestamp()), NOON), (None, None), (99999999999999, None), ("soon", None)]
)
def test_a_picked_time_is_read(picked: object, at: object) -> None:
    view = filled("snooze", **{Field.SNOOZE_TIME: {"type": "datetimepicker", "selected_date_time": picked}})
    assert submissions.picked_time(submissions.values(view)) == at


def test_a_refused_time_names_the_end() -> None:
    assert replies.snooze_refused(None) == "Please choose a date and time."
    assert replies.snooze_refused(SnoozeRefused()) == "This time is over. Please choose a later one."
    assert replies.snooze_refused(SnoozeRefused(ends=date(2026, 12, 20))) == (
        "The trial ends on 20 Dec 2026. Please choose a time before that."
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(
            DispositionChange(changed=False, by="U0BO", at=NOON),
            "*Acme*: <@U0BO> was faster, 12 seconds ago. The card shows how it is now.",
            id="somebody else",
        ),
        pytest.param(DispositionChange(changed=False), "*Acme*: There is nothing of yours to undo here.", id="nobody"),
    ],
)
def test_who_comes_too_late_reads_who_was_faster(found: DispositionChange, said: str) -> None:
    assert replies.too_late(found, now=NOON + timedelta(seconds=12), about="Acme") == said


@pytest.mark.parametrize("link", [f"{WORKSPACE}archives/C1/p1", None])
def test_a_reminder_offers_what_to_do_now(link: str | None) -> None:
    message = reminder_message(card(), None, today=TODAY, rules=OPEN, link=link)
    check(message)
    assert [each["text"]["text"] for each in message.blocks[-1]["elements"]] == ["Email…", "Snooze…"]
    assert "27 days left" in message.blocks[0]["text"]["text"]
    over = card(evaluation=evaluation(trial=trial(state=State.CONVERTED, ends=None)), people=())
    check(reminder_message(over, None, today=TODAY, rules=OPEN, link=link))


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_stays_a_name_in_a_reminder(name: str) -> None:
    shown = evaluation(license=replace(evaluation().license, company=name, app_name=name))
    check(reminder_message(card(evaluation=shown), None, today=TODAY, rules=OPEN, link=f"{WORKSPACE}archives/C1/p1"))

"""slackblocks takes every message, modal and tab that the bot shows, whatever the names in them."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.card import Action
from bot.domain.commands import CommandProblem, ProblemKind
from bot.domain.country_rules import CountryRule, Rule
from bot.domain.departure import CustomerWords
from bot.domain.digest import Counts, Digest, Group
from bot.domain.dnc import DncTarget
from bot.domain.evaluation import CardRef, Contact, Evaluation
from bot.domain.feedback import FeedbackContent, FeedbackMessage, FeedbackSource, Speaker, Topic
from bot.domain.history import FeedbackReceived, NoteAdded, ReplyReceived
from bot.domain.listing import FindQuery, Found, ListQuery, Page
from bot.domain.mail import LawfulBasis, MailPreview
from bot.domain.note import Note
from bot.domain.reminders import ReminderStep
from bot.domain.replies import Reply, ReplyContent, ReplyKind, Writer
from bot.domain.report import ConversionReport, ReportScope
from bot.domain.report_speed import SpeedReport
from bot.domain.report_team import TeamReport, TemplateUse, Work
from bot.domain.snooze import SnoozeChoice
from bot.slack import views
from bot.slack.blocks import Message
from bot.slack.ids import View
from bot.slack.views import modal_metadata as about
from bot.slack.views.answer_form import Answering
from bot.slack.views.away import HandOverForm
from bot.slack.views.dnc_forms import DncRequest
from bot.slack.views.email_form import BasisQuestion, MailForm
from bot.slack.views.home import home_tab
from bot.slack.views.reminder import ListedCard
from bot.slack.views.report import report_message
from tests.builders import NOON, OPEN, TODAY, card, contact, dnc_entry, entry, evaluation, license_
from tests.slack import rebuilt
from tests.slack.checks import NAMES, WORKSPACE
from tests.slack.views import test_health as healths
from tests.slack.views import test_home as homes
from tests.slack.views import test_report as reports
from tests.slack.views.test_digest import PERIOD

HOSTILE = ("<!channel>" * 300, "*_~`<&>" * 430, "\u202e" + "W" * 3000)
ABOUT = about.ModalMetadata(evaluation_id=7, channel="C0CARDS", card="1.0")
FAR = NOON + timedelta(days=3)


def evaluation_of(name: str) -> Evaluation:
    """An evaluation in which everything that a customer may choose is this name."""
    person = contact(email=f"{name}@acme.example", name=name)
    more = {"site": name, "country": name, "region": name, "edition": name, "tier": name, "parent_product": name}
    seen = license_(company=name, app_name=name, technical=person, billing=person, **more)
    return evaluation(license=seen, owner="U0ANA", card=CardRef(channel="C0CARDS", ts="1795435200.000100"))


def card_of(name: str) -> Any:  # noqa: ANN401  of a dataclass with many fields
    return card(evaluation=evaluation_of(name))


def person_of(name: str) -> Contact:
    return contact(email=f"{name}@acme.example", name=name)


def note_of(name: str) -> Note:
    return Note(id=5, evaluation_id=7, author="U0BO", at=NOON, text=name[:2000])


def request_of(name: str) -> DncRequest:
    target = DncTarget.of_address("ana@acme.example")
    return DncRequest(view=View.DNC_ADD, channel="C0CARDS", target=target, note=name)


def rows_of(name: str) -> Page[Any]:
    return homes.page(*(homes.row(number, name, name) for number in range(1, 16)), total=10**6)


def digest_of(name: str) -> Digest:
    group = Group(rows=rows_of(name).rows[:5], total=99)
    counts = Counts(started=tuple((f"{name}{n}", 9) for n in range(9)), bought=1, ended=1)
    return Digest(unowned=group, untouched=group, rehearsed=group, late=3, counts=counts, report_error=name)


def home_of(name: str) -> Any:  # noqa: ANN401  the same
    rows = rows_of(name)
    return homes.home(*[name] * 12, mine=rows, unowned=rows, ending=rows)


def letter_of(name: str) -> MailForm:
    return MailForm(
        company=name,
        app=name,
        template="welcome",
        templates={"welcome": name, "other": name},
        recipient="technical",
        recipients={"technical": person_of(name), "billing": person_of(name)},
        subject=name[:200],
        body=name[:3000],
        warnings=("Role address, not a person",),
        basis=BasisQuestion(country=name, rule=CountryRule(rule=Rule.CONFIRM)),
    )


def preview_of(name: str) -> MailPreview:
    texts = dict.fromkeys(("sender", "to", "reply_to", "subject", "body", "footer"), name)
    return MailPreview(basis=LawfulBasis.REQUEST, **texts)


def scope_of(name: str) -> ReportScope:
    return ReportScope(since=TODAY, today=TODAY, app_keys=frozenset({"a"}), names={"a": name})


def conversion_of(name: str) -> ConversionReport:
    found = reports.conversion(*((f"{name}{number}", reports.MANY) for number in range(14)))
    return replace(found, scope=scope_of(name))


def speed_of(name: str) -> SpeedReport:
    return SpeedReport(
        scope=scope_of(name), trials=9, seen=reports.NEVER, claimed=reports.NEVER, contacted=reports.NEVER
    )


def team_of(name: str) -> TeamReport:
    people = tuple((f"U0{number}", Work(owned=1)) for number in range(40))
    return TeamReport(scope=scope_of(name), people=people, templates=((name, TemplateUse(sent=1)),) * 20)


def problem_of(name: str) -> CommandProblem:
    return CommandProblem(kind=ProblemKind.UNKNOWN_VALUE, given=name, about="app", valid=(name,) * 9, meant=name)


def unknown(name: str) -> CommandProblem:
    return CommandProblem(kind=ProblemKind.UNKNOWN_COMMAND, given=name)


FOUND: Callable[[str], Found] = lambda name: Found(rows=rows_of(name).rows[:10], total=99, is_partial=True)  # noqa: E731
SEEN = {"today": TODAY, "workspace_url": WORKSPACE}
QUERY = ListQuery.of_days(TODAY)


def words_of(name: str) -> FindQuery:
    return FindQuery(words=(name[:200],))


def feedback_of(name: str) -> FeedbackMessage:
    """Everything that feedback can say."""
    content = FeedbackContent(
        text=name, reply_to="ana@acme.example", name=name, page=name[:100], app_version=name[:100]
    )
    return FeedbackMessage(
        id=5,
        conversation=5,
        evaluation_id=7,
        speaker=Speaker.APP,
        source=FeedbackSource.BACKEND,
        at=NOON,
        rating=3,
        topic=Topic.IDEA,
        content=content,
    )


def reply_of(name: str) -> Reply:
    """A reply with files."""
    content = ReplyContent(
        text=name, full_text=name * 3, subject=name, sender="ana@acme.example", attachments=(name,) * 9
    )
    return Reply(id=5, evaluation_id=7, kind=ReplyKind.REPLY, writer=Writer.CONTACT, at=NOON, content=content)


def answering(name: str) -> Answering:
    """What the form for an answer shows."""
    return Answering(
        license=evaluation_of(name).license,
        quoted=name,
        to=person_of(name),
        writer="otto@acme.example",
        subject=name,
        basis=LawfulBasis.WROTE,
    )


CASES: dict[str, Callable[[Any, str], Any]] = {
    "answer_form.answer": lambda view, name: view(ABOUT, answering(name)),
    "assign_form.assign": lambda view, _: view(about.AssignMetadata.about(ABOUT, owner="U0ANA")),
    "away.away_message": lambda view, _: view(until=TODAY, owned=3),
    "away.back_message": lambda view, _: view(was_away=True),
    "away.kept_message": lambda view, _: view(),
    "away.hand_over_form": lambda view, _: view(HandOverForm(channel="C0CARDS")),
    "card.card_message": lambda view, name: view(card_of(name), today=TODAY, vendor_id="1"),
    "card.pointer_message": lambda view, name: view(card_of(name), f"{WORKSPACE}archives/C1/p1"),
    "card.row_menu": lambda view, name: view([Action.EMAIL, Action.SNOOZE], card_of(name)),
    "card.rest_buttons": lambda view, name: view(card_of(name), OPEN),
    "card.action_button": lambda view, name: view(Action.EMAIL, card_of(name)),
    "accepted_quote.quote_news_message": lambda view, name: view(
        card_of(name), f"{WORKSPACE}archives/C1/p1", to="U0ANA"
    ),
    "departure.show_button": lambda view, _: view(5),
    "departure.words_message": lambda view, name: view(CustomerWords(message=name, email="a@b.test", name=name)),
    "digest.digest_message": lambda view, name: view(digest_of(name), PERIOD, **SEEN),
    "digest.own_digest_message": lambda view, _: view(PERIOD.until.time()),
    "dnc.status_message": lambda view, name: view(dnc_entry().target, dnc_entry(note=name)),
    "dnc.list_message": lambda view, name: view([dnc_entry(note=name)] * 40),
    "dnc_forms.do_not_contact": lambda view, name: view(ABOUT, {"technical": person_of(name)}),
    "dnc_forms.contact_again": lambda view, name: view(
        about.ContactAgainMetadata.about(ABOUT, added_at=NOON), dnc_entry(note=name)
    ),
    "dnc_forms.add_form": lambda view, name: view(request_of(name)),
    "dnc_forms.lift_form": lambda view, name: view(request_of(name), dnc_entry(note=name)),
    "dnc_forms.loading": lambda view, name: view(request_of(name)),
    "dnc_forms.button_to_form": lambda view, name: view(request_of(name)),
    "email_form.email": lambda view, name: view(ABOUT, letter_of(name)),
    "email_preview.preview": lambda view, name: view(
        about.PreviewMetadata.about(ABOUT, draft="t0k3n"), preview_of(name)
    ),
    "email_preview.sending": lambda view, name: view(ABOUT, "Sending…", mail_id=3),
    "feedback.answer_form": lambda view, name: view(
        about.FeedbackMetadata.about(ABOUT, feedback_id=5), feedback_of(name)
    ),
    "feedback.full_feedback": lambda view, name: view(ABOUT, feedback_of(name)),
    "feedback.line_message": lambda view, name: view(FeedbackReceived(feedback_id=5, feedback=feedback_of(name))),
    "feedback.owner_message": lambda view, name: view(card_of(name), feedback_of(name), link=WORKSPACE, to="U0CY"),
    "find_form.find_form": lambda view, name: view(name[:200]),
    "find_form.searching": lambda view, _: view(),
    "follow_up.quote_message": lambda view, name: view(NoteAdded(note_id=5), note_of(name)),
    "follow_up_forms.note_form": lambda view, _: view(ABOUT),
    "follow_up_forms.edit_form": lambda view, name: view(ABOUT, note_of(name)),
    "follow_up_forms.snooze_form": lambda view, _: view(ABOUT, SnoozeChoice.PICK, ends=TODAY, start=FAR),
    "follow_up_forms.not_for_us_form": lambda view, _: view(ABOUT),
    "follow_up_forms.rest_of_menu": lambda view, _: view(
        ABOUT, [{"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Note…"}, "value": "1"}]
    ),
    "health.health_message": lambda view, name: view(healths.condition(error=name, problems=(name,))),
    "help.help_message": lambda view, name: view(unknown(name)),
    "help.problem_message": lambda view, name: view(problem_of(name)),
    "history.entry_message": lambda view, name: view(entry(NoteAdded.kind, actor="U0BO", note="5")),
    "home.home_tab": lambda view, name: view(home_of(name), **SEEN),
    "home.closed_tab": lambda view, _: view("This is for full members of the workspace."),
    "home_forms.report_form": lambda view, _: view(),
    "home_forms.away_form": lambda view, _: view(),
    "lists.list_message": lambda view, name: view(rows_of(name), QUERY, **SEEN),
    "lists.found_message": lambda view, name: view(FOUND(name), words_of(name), **SEEN),
    "lists.found_blocks": lambda view, name: view(FOUND(name), words_of(name), **SEEN),
    "lists.public_message": lambda view, name: view(FOUND(name), words_of(name), **SEEN),
    "modals.loading": lambda view, _: view(View.EMAIL, ABOUT),
    "modals.message": lambda view, _: view("Saved."),
    "modals.build_modal": lambda view, _: view(View.EMAIL, ABOUT, []) | {"blocks": [{"type": "divider"}]},
    "paging.page_turns": lambda view, name: view("today.page", replace(rows_of(name), number=1, pages=3)),
    "owner.stand_in": lambda view, name: view(card_of(name), "U0CY"),
    "received.full_reply": lambda view, name: view(ABOUT, reply_of(name)),
    "received.line_message": lambda view, name: view(ReplyReceived(message="key", reply=reply_of(name))),
    "received.owner_message": lambda view, name: view(card_of(name), reply_of(name), link=WORKSPACE, to="U0CY"),
    "received.quote": lambda view, name: view(name),
    "reminder.reminder_message": lambda view, name: view(
        card_of(name), ReminderStep.ESCALATED, today=TODAY, rules=OPEN, link=f"{WORKSPACE}archives/C1/p1"
    ),
    "reminder.reminder_list": lambda view, name: view(
        [ListedCard(card_of(name), ReminderStep.ENDING)] * 99, rules=OPEN, **SEEN
    ),
    "reminder.settled_message": lambda view, name: view(Message(text=name, blocks=[{"type": "divider"}])),
    "report.report_message": lambda view, name: view(conversion_of(name)),
    "report.conversion_message": lambda view, name: view(conversion_of(name)),
    "report.speed_message": lambda view, name: view(speed_of(name)),
    "report.team_message": lambda view, name: view(team_of(name)),
    "settings_form.settings_form": lambda view, name: view(name[:3000], version="abc"),
    "settings_form.changed_message": lambda view, name: view({f"{name}{n}": name for n in range(20)}),
}
"""How each view is called with a hostile name."""
_PARTS = ("inputs", "submissions", "modal_metadata")
"""Modules without a view of their own: what they make is in the views of the others."""


def view_functions() -> dict[str, Callable[..., Any]]:
    """Return every public function of the views that returns a message, a view or blocks, by module and name."""
    found = dict[str, Callable[..., Any]]()
    for each in pkgutil.iter_modules(views.__path__):
        module = importlib.import_module(f"{views.__name__}.{each.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_own = function.__module__ == module.__name__ and not name.startswith("_")
            if is_own and each.name not in _PARTS and _has_blocks(function):
                found[f"{each.name}.{name}"] = function
    return found


def _has_blocks(function: Callable[..., Any]) -> bool:
    returned = str(get_type_hints(function)["return"])
    return "Message" in returned or "dict[str, typing.Any]" in returned


VIEWS = view_functions()


def test_the_table_has_every_view() -> None:
    assert VIEWS.keys() == CASES.keys()


@pytest.mark.parametrize("name", HOSTILE, ids=["mentions", "markup", "backwards"])
@pytest.mark.parametrize("view", CASES)
def test_it_takes_every_view(view: str, name: str) -> None:
    shown = CASES[view](VIEWS[view], name)
    if isinstance(shown, Message):
        rebuilt.check_message(shown)
    elif isinstance(shown, dict) and "blocks" in shown:
        rebuilt.check_view(shown)
    else:
        parts = shown if isinstance(shown, list) else [shown]
        elements = [part for part in parts if "action_id" in part]
        blocks = [*(part for part in parts if part not in elements)]
        blocks += [{"type": "actions", "elements": elements}] if elements else []
        rebuilt.check_message(Message(text="–", blocks=blocks))


@given(st.lists(NAMES | st.sampled_from(HOSTILE), min_size=1, max_size=20))
def test_it_takes_reports(names: list[str]) -> None:
    keys = {str(number): name for number, name in enumerate(names)}
    scope = ReportScope(since=TODAY, today=TODAY, app_keys=frozenset(keys), names=keys)
    apps = reports.conversion(*((name, reports.MANY) for name in names))
    found = ConversionReport(scope=scope, total=apps.total, apps=apps.apps, months=apps.months)
    rebuilt.check_message(report_message(found))


@given(NAMES | st.sampled_from(HOSTILE), NAMES | st.sampled_from(HOSTILE), st.integers(0, 15))
def test_it_takes_home_tabs(company: str, app: str, count: int) -> None:
    rows = homes.page(*(homes.row(number, company, app) for number in range(1, count + 1)), total=10**6)
    shown = homes.home(*[app] * 12, mine=rows, unowned=rows, ending=rows)
    rebuilt.check_view(home_tab(shown, today=TODAY, workspace_url=WORKSPACE))

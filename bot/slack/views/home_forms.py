"""The forms of the Home tab: which report, and until when somebody is away."""

from typing import Final

from bot.domain.report_request import ReportKind
from bot.slack.blocks import Block, plain, small
from bot.slack.ids import Field, View
from bot.slack.views.inputs import input_block, radio
from bot.slack.views.modals import Modal

_LABELS: Final = {
    ReportKind.CONVERSION: "Trials bought, by app and by month",
    ReportKind.SPEED: "How long until a trial is seen, claimed and contacted",
    ReportKind.TEAM: "Who owns and emails, and what became of each template",
}


def report_form() -> Modal:
    """Ask which report is meant."""
    options = {kind.value: plain(label) for kind, label in _LABELS.items()}
    where = "It covers the last twelve months, and comes as a direct message, in the *Messages* tab here."
    about = input_block("About", Field.REPORT, radio(options, ReportKind.CONVERSION))
    return _form(View.REPORT, "Report", "Send to me", [about, small(where)])


def away_form() -> Modal:
    """Ask until when somebody is away."""
    last = input_block("Last day away", Field.UNTIL, {"type": "datepicker", "placeholder": plain("Until I say so")})
    meanwhile = (
        "The rotation gives you no evaluations meanwhile. If you own running trials, a direct message asks whether to "
        "hand them over."
    )
    return _form(View.AWAY, "I'm away", "I'm away", [{**last, "optional": True}, small(meanwhile)])


def _form(view: View, title: str, submit: str, blocks: list[Block]) -> Modal:
    return {
        "type": "modal",
        "callback_id": view.value,
        "title": plain(title, longest=24),
        "close": plain("Cancel", longest=24),
        "submit": plain(submit, longest=24),
        "blocks": blocks,
    }

"""The form that asks which report somebody wants to see."""

from bot.domain.report import ReportKind
from bot.slack.blocks import plain, small
from bot.slack.ids import Field, View
from bot.slack.views.inputs import input_block, radio
from bot.slack.views.modals import Modal

_LABELS = {
    ReportKind.CONVERSION: "Trials bought, by app and by month",
    ReportKind.SPEED: "How long until a trial is seen, claimed and contacted",
    ReportKind.TEAM: "Who owns and emails, and what became of each template",
}


def report_form() -> Modal:
    """Ask which report is meant."""
    options = {kind.value: plain(label) for kind, label in _LABELS.items()}
    return {
        "type": "modal",
        "callback_id": View.REPORT,
        "title": plain("Report", longest=24),
        "close": plain("Cancel", longest=24),
        "submit": plain("Send to me", longest=24),
        "blocks": [
            input_block("About", Field.REPORT, radio(options, ReportKind.CONVERSION)),
            small("It covers the last twelve months, and comes as a direct message, in the *Messages* tab here."),
        ],
    }

"""Answers to `/evaluators dnc …`. They hold addresses, so only one person sees them."""

from collections.abc import Sequence
from typing import Final

from bot.domain.dnc import DncEntry, DncTarget, count_by_reason
from bot.domain.listing import Page
from bot.domain.text import counted
from bot.slack import ids
from bot.slack.blocks import Message, note_message, paragraphs, section, small
from bot.slack.text import escape, mention, moment
from bot.slack.views.paging import page_turns

USAGE: Final = (
    "`/evaluators dnc ana@acme.example` says whether somebody is blocked. `dnc add ana@acme.example` blocks an "
    "address, `dnc add @acme.example` everyone at a domain, `dnc add acme.atlassian.net` a customer's site. "
    "`dnc lift ana@acme.example` removes a block. For tables, use `evaluator-bot dnc import` and `export`."
)
NO_TARGET: Final = "Say who: an address, a domain or a site. " + USAGE
NOT_A_TARGET: Final = "That isn't an address, domain or site. " + USAGE
ONE_AT_A_TIME: Final = (
    "Nothing changed: one address or domain at a time. Use a command for each, or import a table with "
    "`evaluator-bot dnc import`."
)


def status_message(target: DncTarget, entry: DncEntry | None) -> Message:
    """Say whether a target is blocked."""
    if entry is None:
        return note_message(f"{escape(str(target))} isn't blocked.")
    return note_message(f":no_entry_sign: {_line(entry, str(target))}")


def list_message(entries: Sequence[DncEntry], page: int = 0) -> Message:
    """Return one page of the list, newest first."""
    if not entries:
        return note_message(f"The do-not-contact list is empty.\n{USAGE}")
    head = (
        f"*Do-not-contact list*\nNobody can email these from here: {counted(len(entries), 'entry', 'entries')} "
        f"({count_by_reason(entries)})."
    )
    shown = Page.cut(sorted(entries, key=lambda entry: entry.at, reverse=True), page)
    lines = paragraphs(f"• {_line(entry, None)}" for entry in shown.rows)
    return Message(
        text="Do-not-contact list", blocks=[section(head), *lines, *page_turns(ids.DNC_PAGE, shown), small(USAGE)]
    )


def _line(entry: DncEntry, asked: str | None) -> str:
    by = f", {mention(entry.by)}" if entry.by else ""
    note = f" “{escape(entry.note, longest=100)}”" if entry.note else ""
    target = str(entry.target) if entry.target else asked or "somebody who was forgotten"
    return f"{escape(target)}: {entry.reason.words}{by}, {moment(entry.at)}{note}"

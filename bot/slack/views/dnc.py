"""The answers to `/evaluators dnc …`: for one person, since they hold addresses."""

from collections.abc import Sequence
from typing import Final

from bot.domain.dnc import DncEntry, DncTarget
from bot.exports.dnc_csv import count_by_reason
from bot.slack.blocks import Message, note_message, paragraphs
from bot.slack.text import escape, mention, moment

_SHOWN: Final = 15
"""Keeps the list far below 8,000 characters, whatever the notes."""
USAGE: Final = (
    "`/evaluators dnc` lists the latest, `dnc ana@acme.example` says whether somebody is marked, "
    "`dnc add ana@acme.example why` marks an address, `dnc add @acme.example why` everybody at a domain, "
    "`dnc add acme.atlassian.net why` a customer's site, and `dnc lift ana@acme.example why` takes a mark back. "
    "Tables come and go with `evaluator-bot dnc import` and `export`."
)
NOT_A_TARGET: Final = "That is no address, domain or site. " + USAGE
ONE_AT_A_TIME: Final = (
    "Nothing changed: one address or domain at a time. Send a command for each, or import a table with "
    "`evaluator-bot dnc import`. A reason starts with another word."
)
REASON_MISSING: Final = "Say why: the words after it stay on record."


def status_message(subject: DncTarget, opt_out: DncEntry | None) -> Message:
    """Whether somebody is marked."""
    if opt_out is None:
        return note_message(f"{escape(str(subject))} is not marked.")
    return note_message(f":no_entry_sign: {_line(opt_out, str(subject))}")


def list_message(marks: Sequence[DncEntry]) -> Message:
    """The latest marks, newest first, with how many there are."""
    if not marks:
        return note_message(f"Nobody is marked do-not-contact.\n{USAGE}")
    head = f"*Do not contact*: {len(marks):,} in all ({count_by_reason(marks)})."
    latest = sorted(marks, key=lambda mark: mark.at, reverse=True)[:_SHOWN]
    lines = [f"• {_line(mark, None)}" for mark in latest]
    more = [f"The other {len(marks) - _SHOWN:,}: `evaluator-bot dnc list`."] if len(marks) > _SHOWN else []
    return Message(text="Do not contact", blocks=paragraphs([head, *lines, *more, USAGE]))


def _line(opt_out: DncEntry, asked: str | None) -> str:
    by = f", {mention(opt_out.by)}" if opt_out.by else ""
    note = f" “{escape(opt_out.note, longest=100)}”" if opt_out.note else ""
    whom = str(opt_out.subject) if opt_out.subject else asked or "somebody who was forgotten"
    return f"{escape(whom)}: {opt_out.cause.words}{by}, {moment(opt_out.at)}{note}"

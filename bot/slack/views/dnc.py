"""Answers to `/evaluators dnc …`. They hold addresses, so only one person sees them."""

from collections.abc import Sequence
from typing import Final

from bot.domain.dnc import DncEntry, DncTarget, count_by_reason
from bot.slack.blocks import Message, note_message, paragraphs
from bot.slack.text import escape, mention, moment

_SHOWN: Final = 15
"""Keeps the list well below 8,000 characters, whatever the notes."""
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


def status_message(target: DncTarget, entry: DncEntry | None) -> Message:
    """Say whether a target is blocked."""
    if entry is None:
        return note_message(f"{escape(str(target))} is not marked.")
    return note_message(f":no_entry_sign: {_line(entry, str(target))}")


def list_message(entries: Sequence[DncEntry]) -> Message:
    """Return the latest entries, newest first, with how many there are."""
    if not entries:
        return note_message(f"Nobody is marked do-not-contact.\n{USAGE}")
    head = f"*Do not contact*: {len(entries):,} in all ({count_by_reason(entries)})."
    latest = sorted(entries, key=lambda entry: entry.at, reverse=True)[:_SHOWN]
    lines = [f"• {_line(entry, None)}" for entry in latest]
    more = [f"The other {len(entries) - _SHOWN:,}: `evaluator-bot dnc list`."] if len(entries) > _SHOWN else []
    return Message(text="Do not contact", blocks=paragraphs([head, *lines, *more, USAGE]))


def _line(entry: DncEntry, asked: str | None) -> str:
    by = f", {mention(entry.by)}" if entry.by else ""
    note = f" “{escape(entry.note, longest=100)}”" if entry.note else ""
    whom = str(entry.target) if entry.target else asked or "somebody who was forgotten"
    return f"{escape(whom)}: {entry.reason.words}{by}, {moment(entry.at)}{note}"

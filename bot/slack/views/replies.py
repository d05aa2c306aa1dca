"""Answers to the person who pressed: one sentence and, if something went wrong, what to do."""

import math
from datetime import datetime, timedelta
from typing import Final

from bot.domain.card import Card, Recipient
from bot.domain.cautions import describe
from bot.domain.dnc import Authority, DncEntry, may_lift
from bot.domain.evaluation import Contact
from bot.domain.mail import MailState
from bot.domain.mail_policy import Allowed, NeedsLawfulBasis, Refused
from bot.errors import SlackError, SlackRefused
from bot.slack.blocks import Message, note_message, plain, section
from bot.slack.ids import Settle
from bot.slack.text import escape, mention, moment, span
from bot.slack.views.history import describe_scope, mail_name

_NOT_UNDONE: Final = {
    MailState.SENDING: "it is going out at this moment",
    MailState.SENT: "it has gone",
    MailState.UNKNOWN: "it has gone, and nobody knows whether it arrived",
    MailState.FAILED: "it was not sent anyway; the card's thread says why",
}
DRAFT_GONE = "These words are not there any more. Press Email again; nothing was sent."
NEEDS_GROUND = "Nothing was sent: since you wrote, a ground is needed. Press Email again, and choose one."
KEPT = "Your words were kept. Look at the greeting: they were written to somebody else."
NOT_YOURS = "What they said themselves only an admin of the bot can lift, with their written consent."
EXPIRED = "That took too long, and Slack let go of it. Please press again."
GONE = "This evaluation is no longer on record."
MAIL_GONE = (
    "Nothing was done. This email is not on record: a backup of the database was restored since. Before you send "
    "another one, look in the card's thread and in your mail server's log."
)
RETIRED = "This button is from an earlier version. The card is being updated; please use its new buttons."
UNREADABLE = (
    "This button no longer works, so nothing was done. Please use the card in the channel, or /evaluators today."
)
LIFTED = "Lifted. They can be written to again."
OLD_FORM = "This form is from an earlier version, so nothing was done. Please press the button on the card again."
NOT_MARKED = "There is no such do-not-contact mark any more."
NOBODY_TO_MARK = "There is no address here that could be marked, or it is marked already."


def slack_failed(error: SlackError) -> str:
    """Return the answer for a call that Slack refuses or cannot perform at the moment."""
    what_to_do = (
        "Nothing was done. Please tell the person who runs the bot."
        if isinstance(error, SlackRefused)
        else "Nothing was done. Please press again in a minute."
    )
    return f"{escape(str(error), longest=1000)} {what_to_do}"


def broken(reference: str) -> str:
    """Return the answer for an unforeseen error."""
    return (
        "Something went wrong on our side. Please press again; if it stays so, whoever runs the bot finds it in the "
        f"log as `{reference}`."
    )


def held(held_for: timedelta, name: str | None, address: str | None, mail_id: int) -> Message:
    """The email is queued for this long; with a button to cancel it."""
    whom = escape(name or address or "the contact")
    if held_for <= timedelta(0):
        return note_message(f":white_check_mark: On its way to {whom}.")
    # Some milliseconds have passed since it was queued; ten seconds must not read as nine.
    rounded = timedelta(seconds=math.ceil(held_for.total_seconds()))
    text = f":hourglass_flowing_sand: On its way to {whom} in {span(rounded)}."
    undo = {"type": "button", "action_id": Settle.UNDO.value, "text": plain("Undo"), "value": str(mail_id)}
    return Message(text=text, blocks=[section(text), {"type": "actions", "elements": [undo]}])


def refused(refusal: Refused, *, now: datetime) -> str:
    """Say why the email cannot be sent, and who was faster."""
    ago = f", {span(now - refusal.at)} ago" if refusal.at else ""
    by = f" ({mention(refusal.by)}{ago})" if refusal.by else ""
    return f":no_entry_sign: {refusal.reason}{by}"


def not_open(recipient: Recipient) -> str:
    """Return why the other contact on a license cannot be emailed."""
    contact = recipient.person.contact
    name = escape(contact.name or contact.email or "The other one", longest=100)
    reason = recipient.decision.reason if isinstance(recipient.decision, Refused) else ""
    return f"{name} ({recipient.role} contact) can't be emailed. {reason}".rstrip()


def warnings(card: Card, contact: Contact, decision: Allowed | NeedsLawfulBasis) -> list[str]:
    """Return what to know before emailing this contact: cautions of the policy, and earlier emails."""
    who = next((each for each in card.people if each.contact == contact), None)
    said = [escape(describe(flag, card.evaluation.license, card.context), longest=250) for flag in decision.cautions]
    said += _country(card, decision)
    last = None if who is None else who.last_mail
    here = {(mail.template, mail.at) for mail in card.mails}
    if last is not None and (last.template, last.at) not in here:
        said.append(f"{mention(last.by)} mailed this address about another evaluation, {moment(last.at)}")
    verbs = {MailState.SENT: "sent", MailState.SENDING: "is sending", MailState.UNKNOWN: "perhaps sent"}
    verbs |= {MailState.QUEUED: "is sending", MailState.DEFERRED: "is sending"}
    said += [
        f"{mention(mail.attempt.by)} {verbs[mail.attempt.state]} {escape(mail_name(mail.template))}, {moment(mail.at)}"
        for mail in card.mails
        if mail.attempt.state in verbs
    ]
    return said


def _country(card: Card, decision: Allowed | NeedsLawfulBasis) -> list[str]:
    """Return the country's rule, with a link to the law if there is one; both come from our own table."""
    asks = decision.country if isinstance(decision, NeedsLawfulBasis) else None
    if asks is None:
        return []
    country = card.evaluation.license.country
    why = asks.why or "No rule is set for it."
    law = f" <{asks.law}|The law>" if asks.law.startswith("https://") else ""
    return [f"{escape(country) if country else 'Country not known'}: {escape(why, longest=400)}{law}"]


def lost(owner: str | None, since: datetime | None, *, now: datetime) -> str:
    """Say that somebody else was faster."""
    ago = f" {span(now - since)} ago" if since else ""
    if owner is None:
        return f"It was given back{ago}; nobody owns it. Claim it again."
    return f"{mention(owner)} took it{ago}."


def marked(entry: DncEntry, *, changed: bool, now: datetime) -> str:
    """Say that a target is blocked, now or already."""
    if changed:
        whom = describe_scope(entry) or " this address"
        return f":white_check_mark: Marked. Nobody can mail{whom} from here any more."
    by = f" by {mention(entry.by)}" if entry.by else ""
    return f"It was marked already{by}, {span(now - entry.at)} ago: {entry.reason.words}."


def lifted(by: str | None, at: datetime | None, stands: DncEntry | None, *, changed: bool, now: datetime) -> str:
    """Say whether an entry was lifted, now, earlier, or not at all; `stands` is what is still active."""
    rest = f" What stands: {stands.reason.words}{describe_scope(stands)}." if stands else ""
    if changed:
        return f":white_check_mark: Lifted.{rest}" if rest else LIFTED
    if by is not None and at is not None:
        return f"{mention(by)} lifted it already, {span(now - at)} ago.{rest}"
    if stands is None:
        return NOT_MARKED
    why = "" if may_lift(stands.reason, Authority.MEMBER) else f" {NOT_YOURS}"
    return f":no_entry_sign: Not lifted.{why}{rest}"


def undone(state: MailState, *, by: str, user: str, changed: bool) -> str:
    """Say whether an email could be cancelled."""
    if changed or (state is MailState.CANCELLED and by == user):
        return ":leftwards_arrow_with_hook: Taken back. Nothing was sent."
    if by != user:
        return f"Only {mention(by)}, who sent it, can take it back."
    return f":warning: Too late to take it back: {_NOT_UNDONE[state]}."


def settled(state: MailState, *, by: str, at: datetime, changed: bool, now: datetime) -> str:
    """Say how an email of unknown outcome was settled, now or earlier."""
    if changed:
        return ":white_check_mark: Noted. The card says that it was sent."
    if state.is_pending or state is MailState.SENDING:
        verb = "is sending it again"
    else:
        verb = "settled this: it was sent" if state is MailState.SENT else "tried again, and it was not sent"
    return f"{mention(by)} {verb}, {span(now - at)} ago."

"""Answers to the person who pressed: one sentence and, if something went wrong, what to do."""

import math
from datetime import datetime, timedelta
from typing import Final

from bot.domain.card import Card, Recipient
from bot.domain.cautions import describe
from bot.domain.dnc import Authority, DncAddResult, DncEntry, DncLiftResult, may_lift
from bot.domain.evaluation import Contact, DispositionChange
from bot.domain.mail import MailState
from bot.domain.mail_policy import Allowed, NeedsLawfulBasis, RefusalReason, Refused
from bot.domain.snooze import SnoozeRefused
from bot.domain.text import day
from bot.errors import BotError, NotAllowed, SlackError, SlackRefused
from bot.slack.text import ago, escape, mention, moment, span
from bot.slack.views.history import describe_scope, mail_name

_HELPERS: Final = 3
"""How many people an answer names who can help."""
_NOT_UNDONE: Final = {
    MailState.SENDING: "it's being sent right now",
    MailState.SENT: "it's already been sent",
    MailState.UNKNOWN: "it's already been sent, and we don't know whether it arrived",
    MailState.FAILED: "it couldn't be sent anyway; the card's thread says why",
}
DRAFT_GONE = "This draft has expired, so nothing was sent. Press Email again."
NEEDS_BASIS = "Nothing was sent: this email now needs a legal basis. Press Email again and choose one."
KEPT = "Your text was kept. Check the greeting: it was written to somebody else."
NOT_YOURS = "Only an admin can lift this, and only with their written consent."
EXPIRED = "That took too long for Slack. Please press again."
GONE = "This evaluation is no longer on record."
MAIL_GONE = (
    "Nothing was done. This email isn't on record, because the database was restored from a backup since. Before you "
    "send another one, check the card's thread and your mail server's log."
)
RETIRED = "This button is from an earlier version. The card is being updated; please use its new buttons."
UNREADABLE = (
    "This button no longer works, so nothing was done. Please use the card in the channel, or /evaluators today."
)
LIFTED = ":white_check_mark: Unblocked. They can be emailed again."
OLD_FORM = "This form is from an earlier version, so nothing was done. Please press the button on the card again."
NOT_BLOCKED = "There is no block to remove any more."
NOBODY_TO_BLOCK = "There is no address here to block, or it's blocked already."
NOTHING_TO_UNDO = "There is nothing of yours to undo here."
NOTHING_MORE = "There is nothing more to do here right now. Close this window and look at the card again."
TRIAL_OVER = "Nothing was done: this trial is over."
NO_LICENSE_YET = "Nothing was done: the report doesn't have this license yet. Until it does, you can only claim it."
PICK_TIME = "Please choose a date and time."
SAVED = ":white_check_mark: Saved. You can close this window."
PERMANENT = "Nobody can remove this block."


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
        "Something went wrong on our side. Please press again. If it keeps happening, tell the person who runs the "
        f"bot: it's in the log as `{reference}`."
    )


def recipient_name(contact: Contact) -> str:
    """Return what an answer calls the recipient of an email."""
    return contact.name or contact.email or "the contact"


def held_text(held_for: timedelta, recipient: str) -> str:
    """Say that the email is queued for this long."""
    if held_for <= timedelta(0):
        return f":hourglass_flowing_sand: Sending to {escape(recipient)}…"
    # Some milliseconds have passed since it was queued; ten seconds must not read as nine.
    rounded = timedelta(seconds=math.ceil(held_for.total_seconds()))
    return f":hourglass_flowing_sand: Sending to {escape(recipient)} in {span(rounded)}. You can close this window."


def problem(error: BotError) -> str:
    """Return the answer for something that was not done, and who can help."""
    sentence = escape(str(error), longest=1000)
    if not isinstance(error, NotAllowed) or not error.ask:
        return sentence
    return f"{sentence} Ask {' or '.join(mention(user) for user in error.ask[:_HELPERS])}."


def refused(refusal: Refused, *, now: datetime, about: str = "") -> str:
    """Say why the email cannot be sent, who was faster, and when it can be sent. `about` names the evaluation."""
    return f":no_entry_sign: {_about(about)}{_why_refused(refusal, now=now)}"


def _why_refused(refusal: Refused, *, now: datetime) -> str:
    sentence: str = refusal.reason
    if refusal.by is not None and refusal.at is not None:
        who, when = mention(refusal.by), ago(now - refusal.at)
        if refusal.reason is RefusalReason.TOO_SOON and refusal.until is None:
            sentence = f"{who} has an email to this address on its way."
        elif refusal.reason is RefusalReason.TOO_SOON:
            sentence = f"{who} emailed this address {when}."
        else:
            sentence = f"{sentence} ({who}, {when})"
    if refusal.until is not None:
        sentence += f" You can email it again from {moment(refusal.until)}."
    return sentence


def _about(name: str) -> str:
    """Return the evaluation at the beginning of an answer, or nothing."""
    return f"*{name}*: " if name else ""


def not_open(recipient: Recipient, *, now: datetime) -> str:
    """Return why the other contact on a license cannot be emailed."""
    contact = recipient.person.contact
    name = escape(contact.name or contact.email or "The other one", longest=100)
    reason = _why_refused(recipient.decision, now=now) if isinstance(recipient.decision, Refused) else ""
    return f"{name} ({recipient.role} contact) can't be emailed. {reason}".rstrip()


def warnings(card: Card, contact: Contact, decision: Allowed | NeedsLawfulBasis) -> list[str]:
    """Return what to know before emailing this contact: cautions of the policy, and earlier emails."""
    who = next((each for each in card.people if each.contact == contact), None)
    said = [escape(describe(flag, card.evaluation.license, card.context), longest=250) for flag in decision.cautions]
    last = None if who is None else who.last_mail
    here = {(mail.template, mail.at) for mail in card.mails}
    if last is not None and (last.template, last.at) not in here:
        said.append(f"{mention(last.by)} emailed this address about another evaluation, {moment(last.at)}")
    verbs = {MailState.SENT: "sent", MailState.SENDING: "is sending", MailState.UNKNOWN: "may have sent"}
    verbs |= {MailState.QUEUED: "is sending", MailState.DEFERRED: "is sending"}
    said += [
        f"{mention(mail.attempt.by)} {verbs[mail.attempt.state]} {escape(mail_name(mail.template))}, {moment(mail.at)}"
        for mail in card.mails
        if mail.attempt.state in verbs
    ]
    return said


def lost(owner: str | None, since: datetime | None, *, now: datetime, about: str = "") -> str:
    """Say that somebody else was faster. `about` names the evaluation."""
    when = f" {ago(now - since)}" if since else " before"
    if owner is None:
        return f"{_about(about)}It was released{when}, and nobody owns it. You can claim it now."
    return f"{_about(about)}{mention(owner)} became the owner{when}."


def too_late(found: DispositionChange, *, now: datetime, about: str = "") -> str:
    """Say that somebody else was faster, so that nothing was done. `about` names the evaluation."""
    if found.by is None or found.at is None:
        return f"{_about(about)}{NOTHING_TO_UNDO}"
    return f"{_about(about)}{mention(found.by)} was faster, {ago(now - found.at)}. The card shows how it is now."


def snoozed(until: datetime) -> str:
    """Say when a person will be reminded."""
    return f":alarm_clock: You get a direct message {moment(until)}."


def snooze_refused(refused: SnoozeRefused | None) -> str:
    """Say why nobody can be reminded then, or, for None, that no time was picked."""
    if refused is None:
        return PICK_TIME
    if refused.ends is None:
        return "This time is over. Please choose a later one."
    return f"The trial ends on {day(refused.ends)}. Please choose a time before that."


def blocked(found: DncAddResult, *, now: datetime, about: str = "") -> str:
    """Say that a target is blocked, now or already. `about` names the evaluation or the target."""
    entry = found.entry
    if found.changed:
        blocked = describe_scope(entry) or " this address"
        return f":white_check_mark: Blocked. Nobody can email{blocked} from here."
    who = f"{mention(entry.by)} already blocked this" if entry.by else "This was blocked already"
    return f"{_about(about)}{who}, {ago(now - entry.at)}: {entry.reason.words}."


def lifted(found: DncLiftResult, *, now: datetime, about: str = "") -> str:
    """Say whether an entry was lifted, now, earlier, or not at all. `about` names the evaluation or the target."""
    rest = found.remaining
    still = f" Still blocked: {rest.reason.words}{_in_brackets(describe_scope(rest))}." if rest else ""
    if found.changed:
        return f":white_check_mark: Unblocked.{still}" if still else LIFTED
    if found.by is not None and found.at is not None:
        return f"{_about(about)}{mention(found.by)} already unblocked this, {ago(now - found.at)}.{still}"
    if rest is None:
        return f"{_about(about)}{NOT_BLOCKED}"
    return f":no_entry_sign: {_about(about)}Not unblocked.{still}{_who_may_lift(rest)}"


def _in_brackets(words: str) -> str:
    return f" ({words.strip()})" if words else ""


def why_not_lifted(entry: DncEntry) -> str:
    """Say why this person may not lift an entry."""
    return f"{entry.reason.words}.{_who_may_lift(entry)}"


def _who_may_lift(entry: DncEntry) -> str:
    if entry.reason.is_final:
        return f" {PERMANENT}"
    return "" if may_lift(entry.reason, Authority.MEMBER) else f" {NOT_YOURS}"


def undone(state: MailState, *, by: str, user: str, changed: bool, about: str = "") -> str:
    """Say whether an email could be cancelled. `about` names the evaluation."""
    if changed or (state is MailState.CANCELLED and by == user):
        return ":leftwards_arrow_with_hook: Cancelled. Nothing was sent."
    if by != user:
        return f"{_about(about)}Only {mention(by)}, who sent it, can cancel it."
    return f":warning: {_about(about)}Too late – {_NOT_UNDONE[state]}."


def settled(state: MailState, *, by: str, at: datetime, changed: bool, now: datetime, about: str = "") -> str:
    """Say how an email of unknown outcome was settled, now or earlier. `about` names the evaluation."""
    if changed:
        return ":white_check_mark: Noted. The card now says that it arrived."
    if state.is_pending or state is MailState.SENDING:
        verb = "is sending it again"
    else:
        verb = "already marked it as sent" if state is MailState.SENT else "tried again, and it wasn't sent"
    return f"{_about(about)}{mention(by)} {verb}, {ago(now - at)}."

"""What is said to the person who pressed: one sentence, and where it went wrong, what to do."""

from datetime import datetime

from bot.domain.card import Card, OptOut, mailable
from bot.domain.evaluation import Contact
from bot.domain.policy import Allowed, MailState, Refused
from bot.domain.trust import words
from bot.slack.notes import mail_name
from bot.slack.text import escape, mention, moment, span

EXPIRED = "That took too long, and Slack let go of it. Please press again."
GONE = "This evaluation is no longer on record."
RETIRED = "This button is from an earlier time. The card is being painted anew; please use the new one."
LIFTED = "Lifted. This address can be written to again."
NOT_MARKED = "There is no such do-not-contact mark any more."
NOBODY_TO_MARK = "There is no address here that could be marked, or it is marked already."


def broken(reference: str) -> str:
    """For what nobody foresaw."""
    return (
        "Something went wrong on our side. Please press again; if it stays so, whoever runs the bot finds it in the "
        f"log as `{reference}`."
    )


def refused(refusal: Refused, *, now: datetime) -> str:
    """Why no mail can go, and who was faster."""
    ago = f", {span(now - refusal.at)} ago" if refusal.at else ""
    by = f" ({mention(refusal.by)}{ago})" if refusal.by else ""
    return f":no_entry_sign: {refusal.reason}{by}"


def warnings(card: Card, contact: Contact) -> list[str]:
    """What to know before writing to this contact: what the policy says, and mails that went out before."""
    decision = mailable(card, next((each for each in card.people if each.contact == contact), None))
    cautions = decision.cautions if isinstance(decision, Allowed) else ()
    said = [escape(words(flag, card.evaluation.license, card.context), longest=250) for flag in cautions]
    verbs = {MailState.SENT: "sent", MailState.SENDING: "is sending", MailState.UNKNOWN: "perhaps sent"}
    said += [
        f"{mention(mail.attempt.by)} {verbs[mail.attempt.state]} {escape(mail_name(mail.template))}, {moment(mail.at)}"
        for mail in card.mails
        if mail.attempt.state in verbs
    ]
    return said


def sent(name: str | None, address: str | None) -> str:
    """The server took the mail."""
    return f":white_check_mark: Sent to {escape(name or address or 'the contact')}."


def not_sent(why: str, *, unsure: bool) -> str:
    """The server did not take the mail, or nobody knows."""
    return f":grey_question: {escape(why, longest=1000)}" if unsure else f":warning: {escape(why, longest=1000)}"


def lost(owner: str | None, since: datetime | None, *, now: datetime) -> str:
    """Somebody else was faster."""
    ago = f" {span(now - since)} ago" if since else ""
    if owner is None:
        return f"It was given back{ago}; nobody owns it. Claim it anew."
    return f"{mention(owner)} took it{ago}."


def marked(opt_out: OptOut, *, won: bool, now: datetime) -> str:
    """The address is marked, now or already."""
    if won:
        return ":white_check_mark: Marked. Nobody can mail this address from here any more."
    by = f" by {mention(opt_out.by)}" if opt_out.by else ""
    return f"It was marked already{by}, {span(now - opt_out.at)} ago: {escape(opt_out.reason)}."


def not_lifted(by: str | None, at: datetime | None, *, now: datetime) -> str:
    """There is nothing to lift, because somebody else was faster or it stands no more as it was shown."""
    return NOT_MARKED if by is None or at is None else f"{mention(by)} lifted it already, {span(now - at)} ago."


def settled(state: MailState, *, by: str, at: datetime, won: bool, now: datetime) -> str:
    """A mail of which nobody knew whether it arrived is settled, now or already."""
    if won:
        return ":white_check_mark: Noted. The card says that it was sent."
    verb = {MailState.SENT: "settled this: it was sent", MailState.SENDING: "is sending it again"}.get(
        state, "tried again, and it was not sent"
    )
    return f"{mention(by)} {verb}, {span(now - at)} ago."

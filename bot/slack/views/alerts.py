"""Messages about the bot itself: its first run, problems, and recovery."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from bot.domain.text import counted, day
from bot.slack.text import escape, moment, span

_MAX_LENGTH: Final = 1000
"""Characters of an error's sentence."""


def first_run(*, rows: int, started: int, announced: int, today: date, days: int) -> str:
    """Return the one message of the first run."""
    since = day(today - timedelta(days=days))
    cards = (
        f"{counted(announced, 'trial')} started since {since} and {'has' if announced == 1 else 'have'} a card here."
    )
    return (
        f":wave: I read the licenses report for the first time: {counted(rows, 'license')}, "
        f"{counted(started, 'evaluation')}. {cards if announced else f'No trial has started since {since}.'} "
        "Older ones are recorded quietly. From now on every new evaluation gets a card."
    )


def report_unread(sentence: str, *, times: int, is_full: bool) -> str:
    """Say that the report, or the full report, could not be read `times` in a row. `sentence` is the error's."""
    what = "the full licenses report" if is_full else "the licenses report"
    times_failed = "" if times == 1 else f" It failed {times:,} times in a row."
    meanwhile = "what only the full report shows has to wait" if is_full else "no new evaluation gets a card"
    return (
        f":rotating_light: I can't read {what}.{times_failed} {escape(sentence, longest=_MAX_LENGTH)} "
        f"Until then, {meanwhile}. I'll keep trying, catch up, and say so here when it works again."
    )


def report_read_again(after: timedelta) -> str:
    """Say that the report could be read again, this long after the alert."""
    return f":white_check_mark: I can read the licenses report again, after {span(after)}, and have caught up."


def rows_unread(rows: int) -> str:
    """Say that rows of the report could not be read."""
    them = "it" if rows == 1 else "them"
    found = counted(rows, "row")
    return (
        f":warning: I can't read {found} of the licenses report and skipped {them}. The rest was processed. "
        "`evaluator-bot check` shows which and why. Update the bot, or report the reasons. I won't repeat this until "
        "every row can be read again."
    )


def rows_read_again(after: timedelta) -> str:
    """Say that the full report could be read without quarantining a row."""
    return f":white_check_mark: Every row of the licenses report can be read again, after {span(after)}."


def database_locked(length: timedelta, *, by: Sequence[str]) -> str:
    """Say that another program has locked the database for this long. `by` names the processes, if they are known."""
    who = escape(" and ".join(by)) if by else "Another program"
    return (
        f":rotating_light: {who} has locked the database for {span(length)}. New trials, presses and emails wait. "
        "Stop that program, or let it finish. I'll say so here when it's over."
    )


def database_free(after: timedelta) -> str:
    """Say that the database can be written again, after it was locked for this long."""
    return f":white_check_mark: The database can be written again, after {span(after)}. What waited is going out now."


def backlog_notice(cards: int) -> str:
    """Say that many cards wait for their first post; they follow at Slack's pace."""
    are = "is" if cards == 1 else "are"
    return (
        f":inbox_tray: {counted(cards, 'new trial')} {are} waiting for a card here. They follow one by one, newest "
        "first. `/evaluators today` lists today's trials."
    )


def not_delivered(sentence: str, *, channel: str | None) -> str:
    """Say that Slack refuses the bot in a channel, or everywhere (None); `sentence` says how to fix it."""
    where = "to Slack" if channel is None else f"to <#{channel}>"
    return (
        f":rotating_light: I can't post {where}. {sentence} Messages are kept, and go out within five minutes after "
        "the fix."
    )


def not_looked_up(sentence: str, *, channel: str | None) -> str:
    """Say that the bot may not read a channel in which it may post. `sentence` says how to fix it."""
    where = "Slack" if channel is None else f"<#{channel}>"
    return (
        f":warning: I can't look up what I posted in {where}. {sentence} New cards are still posted. A message that "
        "may or may not have arrived waits until I can look it up, so that it doesn't appear twice."
    )


def looked_up_again(after: timedelta, *, channel: str | None) -> str:
    """Say that the channel can be read again, this long after the alert."""
    where = "Slack" if channel is None else f"<#{channel}>"
    return f":white_check_mark: I can look up what I posted in {where} again, after {span(after)}."


def delivered_again(after: timedelta, *, channel: str | None) -> str:
    """Say that a Slack outage is over, this long after the alert."""
    where = "to Slack" if channel is None else f"to <#{channel}>"
    return f":white_check_mark: I can post {where} again, after {span(after)}. Waiting messages are going out now."


def no_presses(sentence: str, after: timedelta) -> str:
    """Say that Socket Mode has been down for this long; `sentence` says why."""
    return (
        f":rotating_light: No button presses have arrived from Slack for {span(after)}, so buttons and `/evaluators` "
        f"do nothing. {escape(sentence, longest=_MAX_LENGTH)} Cards are still posted. `evaluator-bot check` shows "
        "whether Slack accepts SLACK_APP_TOKEN. I'll keep trying and say so here when it works again."
    )


def presses_again(after: timedelta) -> str:
    """Say that interactions arrive again, this long after the alert."""
    return (
        f":white_check_mark: Button presses arrive again, after {span(after)}. If a press got no answer, press again."
    )


def scopes_missing(sentence: str, off: Iterable[str]) -> str:
    """Say that the Slack app lacks scopes; `off` says what does not work without them."""
    return f":warning: {' '.join(off)} {escape(sentence, longest=_MAX_LENGTH)} I say this once."


def scopes_granted(after: timedelta) -> str:
    """Say that the Slack app has all scopes now, this long after the alert."""
    return f":white_check_mark: The app has all its scopes now, after {span(after)}."


def no_mail(sentence: str) -> str:
    """Say that the mail server does not let the bot in."""
    return (
        f":rotating_light: I can't send email. {escape(sentence, longest=_MAX_LENGTH)} Queued emails wait, and go out "
        "once this is fixed. I'll say so here when it works again."
    )


def mail_goes_again(after: timedelta) -> str:
    """Say that email is sent again, this long after the alert."""
    return f":white_check_mark: Email works again, after {span(after)}. Queued emails are going out now."


def mailbox_unread(sentence: str) -> str:
    """Say that the mailbox for replies cannot be read."""
    return (
        f":rotating_light: I can't read the mailbox for replies. {escape(sentence, longest=_MAX_LENGTH)} Replies stay "
        "there until this is fixed. I'll say so here when it works again."
    )


def mailbox_read_again(after: timedelta) -> str:
    """Say that the mailbox for replies can be read again, this long after the alert."""
    return f":white_check_mark: I can read the mailbox for replies again, after {span(after)}, and have caught up."


def mail_refused(status: str) -> str:
    """Say that a recipient's server refused an email, though not because of its address; `status` is as in RFC 3463."""
    code = escape(status) if status else "unknown"
    return (
        ":warning: A recipient's mail server refused an email because of us, not because of its address "
        f"(status {code}). The card's thread says which; nobody was blocked. Check SPF, DKIM and DMARC for the domain "
        "of MAIL_FROM, and whether your mail server is on a blocklist. I say this once a day at most."
    )


def unclear_bounce() -> str:
    """Say that a message came to an email's return address and could not be read as a bounce."""
    return (
        ":warning: Something came back for an email that I can't read as a bounce. The card's thread says which email; "
        "nobody was blocked. Ask the person another way if you need to know whether it arrived. `/evaluators health` "
        "counts these. I say this once a day at most."
    )


def went_back(to: datetime, *, mails: int | None) -> str:
    """Say that the database was restored to an earlier time. `mails` counts the emails now of unknown outcome, if this
    was just found.
    """
    unknown = "" if not mails else f" Emails that were waiting then: {mails}. Their threads ask whether they arrived."
    return (
        f":warning: The database was restored to its state of {moment(to)}. I am matching the cards posted since then "
        f"with their trials; none is posted twice.{unknown} Owners set since then are lost, and so are "
        "do-not-contact entries for people who are on no card. Please import your latest list: "
        "`evaluator-bot dnc import FILE`."
    )


def webhook_failing(host: str, sentence: str) -> str:
    """Say that an address of WEBHOOK_URLS takes no events."""
    return (
        f":warning: {escape(host)} has taken no webhook events for an hour. {escape(sentence, longest=_MAX_LENGTH)} "
        "Events wait, and I keep trying for five days. I'll say so here when it works again."
    )


def webhook_switched_off(host: str, sentence: str) -> str:
    """Say that an address of WEBHOOK_URLS gets no more events."""
    return (
        f":rotating_light: {escape(host)} gets no more webhook events. {escape(sentence, longest=_MAX_LENGTH)} "
        "Once it works, run `evaluator-bot webhook ping`, which switches it on again. Then `evaluator-bot webhook "
        "resend` sends what it missed."
    )


def webhook_recovered(host: str, after: timedelta) -> str:
    """Say that an address of WEBHOOK_URLS takes events again, this long after the alert."""
    return f":white_check_mark: {escape(host)} takes webhook events again, after {span(after)}."

"""A reminder of an evaluation: to its owner, to the others in the channel, or in the card's thread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bot.domain.card import Action, Card, actions, known_end, title
from bot.domain.evaluation import days_left
from bot.domain.mail_policy import MailRules
from bot.domain.reminders import ReminderStep
from bot.domain.text import counted
from bot.slack import ids
from bot.slack.blocks import Block, Message, section, small
from bot.slack.text import days, escape, mention
from bot.slack.views.card import action_button, row_menu
from bot.slack.views.card_lines import selling_line

_NO_OWNER: Final = "nobody"
_SAYS: Final = {
    None: ":alarm_clock: You snoozed *{name}* until now.",
    ReminderStep.UNCLAIMED: ":alarm_clock: Nobody has claimed *{name}* yet.",
    ReminderStep.UNTOUCHED: ":alarm_clock: You own *{name}*, and nobody has contacted them yet.",
    ReminderStep.ESCALATED: ":alarm_clock: *{name}* still hasn't been contacted. Its owner is {owner}.",
    ReminderStep.ENDING: ":alarm_clock: The trial of *{name}* ends soon, and nobody has been in touch lately.",
    ReminderStep.WAITING: ":alarm_clock: *{name}* wrote to us and is still waiting for an answer.",
}
_WHY: Final = {
    ReminderStep.UNCLAIMED: "Sent once, if nobody claims an evaluation in time (`reminders.unclaimed`).",
    ReminderStep.UNTOUCHED: "Sent once, if there is no email, note or *Done* in time (`reminders.untouched`).",
    ReminderStep.ESCALATED: "Sent once, if that lasts (`reminders.escalated`).",
    ReminderStep.ENDING: "Sent once, some time before a trial ends (`reminders.ending`).",
    ReminderStep.WAITING: "Sent once, if nobody answers in time (`reminders.waiting`).",
}
_WANTED: Final[Mapping[ReminderStep | None, tuple[Action, ...]]] = {
    ReminderStep.UNCLAIMED: (Action.EMAIL, Action.CLAIM, Action.SNOOZE),
    ReminderStep.WAITING: (Action.ANSWER, Action.DONE, Action.SNOOZE),
}
_IN_LIST: Final = {
    ReminderStep.UNCLAIMED: "nobody has claimed it",
    ReminderStep.UNTOUCHED: "nobody has contacted them yet",
    ReminderStep.ESCALATED: "still not contacted",
    ReminderStep.ENDING: "ends soon, and nobody has been in touch lately",
    ReminderStep.WAITING: "is waiting for an answer",
}
_MOST_LISTED: Final = 20
"""Rows of a list. Slack takes 50 blocks, and breaks somewhere above 11,000 characters."""
_MOST_NAMED: Final = 3
_SWITCH: Final = "Admins can change it under *Settings…* on the Home tab."


def reminder_message(
    card: Card,
    step: ReminderStep | None,
    *,
    today: date,
    rules: MailRules,
    link: str | None,
) -> Message:
    """Remind of an evaluation, with what one may want to do now, and why this came. `link` leads to its card.

    Without a step, the person had snoozed it.
    """
    license_, owner = card.evaluation.license, card.evaluation.owner
    name = f"{escape(title(license_), longest=90)} · {escape(license_.app_name, longest=60)}"
    says, to = _SAYS[step], mention(owner) if owner else _NO_OWNER
    lines = [says.format(name=f"<{link}|{name}>" if link else name, owner=to), selling_line(card, today=today)]
    wanted = _WANTED.get(step, (Action.EMAIL, Action.SNOOZE))
    buttons: list[Block] = [action_button(action, card) for action in wanted if action in actions(card, rules)]
    blocks = [section("\n".join(line for line in lines if line))]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    if step is not None:
        blocks.append(small(f"{_WHY[step]} {_SWITCH}"))
    return Message(text=says.format(name=name, owner=to).replace("*", ""), blocks=blocks)


@dataclass(frozen=True, slots=True)
class ListedCard:
    """A reminder in a list, with the card of its evaluation."""

    card: Card
    step: ReminderStep
    is_settled: bool = False


def reminder_list(listed: Sequence[ListedCard], *, rules: MailRules, today: date, workspace_url: str | None) -> Message:
    """Remind a person of all that came after the first messages of a day, each with a menu of what to do."""
    waiting = sum(not each.is_settled for each in listed)
    what = counted(waiting, "more evaluation") if waiting else "Nothing more"
    head = f":alarm_clock: {what} for you today"
    blocks = [section(f"*{head}*")]
    for each in listed[:_MOST_LISTED]:
        line = section(_row(each, today=today, workspace_url=workspace_url))
        wanted = () if each.is_settled else (Action.EMAIL, Action.SNOOZE)
        menu = row_menu([action for action in wanted if action in actions(each.card, rules)], each.card)
        blocks.append({**line, "accessory": menu} if menu else line)
    more = len(listed) - _MOST_LISTED
    rest = f"And {more:,} more: `{ids.COMMAND} mine` lists yours. " if more > 0 else ""
    blocks.append(small(f"{rest}You get few reminders of your own a day; this list takes up the others. {_SWITCH}"))
    names = [escape(title(each.card.evaluation.license), longest=60) for each in listed if not each.is_settled]
    named = f": {', '.join(names[:_MOST_NAMED])}" if names else ""
    return Message(text=f"{head}{named}", blocks=blocks)


def _row(listed: ListedCard, *, today: date, workspace_url: str | None) -> str:
    evaluation = listed.card.evaluation
    name = f"{escape(title(evaluation.license), longest=60)} · {escape(evaluation.license.app_name, longest=40)}"
    if evaluation.card is not None and workspace_url is not None:
        name = f"<{evaluation.card.permalink(workspace_url)}|{name}>"
    if listed.is_settled:
        return f":white_check_mark: {name}: settled"
    left = days_left(evaluation.trial, today) if known_end(evaluation) else None
    when = "" if left is None else ", last day" if left == 0 else f", {days(left)} left"
    of = f" by {mention(evaluation.owner)}" if listed.step is ReminderStep.ESCALATED and evaluation.owner else ""
    return f"• {name}: {_IN_LIST[listed.step]}{of}{when}"


def settled_message(shown: Message) -> Message:
    """Return a reminder that asks for nothing any more: without buttons."""
    first, *_ = shown.blocks
    return Message(text=f"Settled: {shown.text}", blocks=[first, small(":white_check_mark: Settled.")])

"""A reminder of an evaluation: to its owner, to the others in the channel, or in the card's thread."""

from datetime import date
from typing import Final

from bot.domain.card import Action, Card, actions, title
from bot.domain.mail_policy import MailRules
from bot.domain.reminders import ReminderStep
from bot.slack.blocks import Block, Message, section, small
from bot.slack.text import escape, mention
from bot.slack.views.card import button
from bot.slack.views.card_lines import selling_line

_NO_OWNER: Final = "nobody"
_SAYS: Final = {
    None: ":alarm_clock: You snoozed *{name}* until now.",
    ReminderStep.UNCLAIMED: ":alarm_clock: Nobody has claimed *{name}* yet.",
    ReminderStep.UNTOUCHED: ":alarm_clock: You own *{name}*, and nobody has contacted them yet.",
    ReminderStep.ESCALATED: ":alarm_clock: *{name}* still hasn't been contacted. Its owner is {owner}.",
    ReminderStep.ENDING: ":alarm_clock: The trial of *{name}* ends soon, and nobody has been in touch lately.",
}
_WHY: Final = {
    ReminderStep.UNCLAIMED: "Sent once, if nobody claims an evaluation in time (`reminders.unclaimed`).",
    ReminderStep.UNTOUCHED: "Sent once, if there is no email, note or *Done* in time (`reminders.untouched`).",
    ReminderStep.ESCALATED: "Sent once, if that lasts (`reminders.escalated`).",
    ReminderStep.ENDING: "Sent once, some time before a trial ends (`reminders.ending`).",
}
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
    wanted = (Action.EMAIL, *([Action.CLAIM] if step is ReminderStep.UNCLAIMED else []), Action.SNOOZE)
    buttons: list[Block] = [button(action, card) for action in wanted if action in actions(card, rules)]
    blocks = [section("\n".join(line for line in lines if line))]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    if step is not None:
        blocks.append(small(f"{_WHY[step]} {_SWITCH}"))
    return Message(text=says.format(name=name, owner=to).replace("*", ""), blocks=blocks)


def settled_message(shown: Message) -> Message:
    """Return a reminder that asks for nothing any more: without buttons."""
    first, *_ = shown.blocks
    return Message(text=f"Settled: {shown.text}", blocks=[first, small(":white_check_mark: Settled.")])

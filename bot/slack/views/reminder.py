"""The direct message to a person whose snooze is over."""

from datetime import date

from bot.domain.card import Action, Card, actions, title
from bot.domain.mail_policy import MailRules
from bot.slack.blocks import Block, Message, section
from bot.slack.text import escape
from bot.slack.views.card import button
from bot.slack.views.card_lines import selling_line


def reminder_message(card: Card, *, today: date, rules: MailRules, link: str | None) -> Message:
    """Remind a person of an evaluation, with what they may want to do now. `link` leads to its card."""
    license_ = card.evaluation.license
    name = f"{escape(title(license_), longest=90)} · {escape(license_.app_name, longest=60)}"
    shown = f"<{link}|{name}>" if link else name
    lines = [f":alarm_clock: You snoozed *{shown}* until now.", selling_line(card, today=today)]
    offered = [action for action in (Action.EMAIL, Action.SNOOZE) if action in actions(card, rules)]
    buttons: list[Block] = [button(action, card) for action in offered]
    blocks = [section("\n".join(lines))]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return Message(text=f"You snoozed {name} until now.", blocks=blocks)

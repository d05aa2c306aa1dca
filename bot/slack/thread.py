"""The lines in a card's thread; where a person has to decide, with buttons."""

from dataclasses import replace

from bot.domain.history import Entry, Kind
from bot.slack.blocks import Block, Message, note_message, plain
from bot.slack.ids import Settle
from bot.slack.views.history import note


def entry_message(entry: Entry) -> Message:
    """The line for an entry of the history. Buttons stay when they have been pressed: the listener knows better."""
    message = note_message(note(entry))
    mail = entry.details.get("mail")
    if entry.kind is not Kind.MAIL_UNKNOWN or mail is None:
        return message
    return replace(message, blocks=[*message.blocks, {"type": "actions", "elements": _buttons(mail)}])


def _buttons(mail: str) -> list[Block]:
    twice = {
        "title": plain("Send again?"),
        "text": plain("If it did arrive, they get it twice. Your mail server's log may know.", longest=300),
        "confirm": plain("Send again", longest=30),
        "deny": plain("Cancel", longest=30),
    }
    return [
        {"type": "button", "action_id": Settle.ARRIVED.value, "text": plain("It arrived"), "value": mail},
        {
            "type": "button",
            "action_id": Settle.AGAIN.value,
            "text": plain("Send again"),
            "value": mail,
            "confirm": twice,
        },
    ]

"""Building blocks of Slack messages: text objects, paragraphs, small print."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from bot.slack.text import tame

Block = dict[str, Any]

_PARAGRAPH: Final = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to Slack; `text` is the fallback where blocks cannot be shown."""

    text: str
    blocks: list[Block]


def mrkdwn(text: str) -> Block:
    """Return a mrkdwn text object. `verbatim` turns Slack's own link detection off."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain(text: str, *, longest: int = 75) -> Block:
    """Return a literal text object; colons in a company's name make no emoji."""
    return {"type": "plain_text", "text": tame(text, longest=longest) or "–", "emoji": False}


def section(text: str) -> Block:
    """Return a section with one paragraph."""
    return {"type": "section", "text": mrkdwn(text)}


def paragraphs(lines: Iterable[str]) -> list[Block]:
    """Return as few paragraphs as hold these lines, none of them cut. Slack allows 3,000 characters in each."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + len(line) < _PARAGRAPH:
            texts[-1] += "\n" + line
        else:
            texts.append(line)
    return [section(text) for text in texts]


def small(*texts: str) -> Block:
    """Return a line in small print."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def button(action: str, label: str, value: str = "-") -> Block:
    """Return a button. `action` is its action id."""
    return {"type": "button", "action_id": str(action), "text": plain(label), "value": value}


def confirm(question: str, *, consequence: str, label: str) -> Block:
    """Return a dialog that asks before a button counts. `label` is on the button that says yes."""
    return {
        "title": plain(question),
        "text": plain(consequence, longest=300),
        "confirm": plain(label, longest=30),
        "deny": plain("Cancel", longest=30),
    }


def note_message(text: str) -> Message:
    """Return a line in a card's thread, or a message of its own."""
    return Message(text=text, blocks=[section(text)])

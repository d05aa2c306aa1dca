"""Building blocks of Slack messages: text objects, paragraphs, small print."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from bot.slack.text import tame

Block = dict[str, Any]

_PARAGRAPH: Final = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a message of ours consists of; `text` stands in where blocks cannot be shown."""

    text: str
    blocks: list[Block]


def mrkdwn(text: str) -> Block:
    """A text object in which Slack looks for nothing but what we wrote: `verbatim` turns its own link finding off."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain(text: str, *, longest: int = 75) -> Block:
    """A literal text object; colons make no emoji of a company's name."""
    return {"type": "plain_text", "text": tame(text, longest=longest) or "–", "emoji": False}


def section(text: str) -> Block:
    """A paragraph."""
    return {"type": "section", "text": mrkdwn(text)}


def paragraphs(lines: Iterable[str]) -> list[Block]:
    """As few paragraphs as hold these lines, none of them cut: Slack takes 3,000 characters in each."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + len(line) < _PARAGRAPH:
            texts[-1] += "\n" + line
        else:
            texts.append(line)
    return [section(text) for text in texts]


def small(*texts: str) -> Block:
    """A line in small type."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts]}


def note_message(text: str) -> Message:
    """A line in a card's thread, or a message of its own."""
    return Message(text=text, blocks=[section(text)])

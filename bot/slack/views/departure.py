"""Why a customer left, in words: on the card, in its thread, and to one person who asks."""

from collections.abc import Iterator

from bot.domain.card import Card
from bot.domain.departure import CustomerWords
from bot.domain.history import CustomerLeft
from bot.domain.text import day
from bot.slack import ids
from bot.slack.blocks import Block, Message, button, note_message, section
from bot.slack.text import escape, tame_lines

_ERASED = "What they wrote is no longer on record."


def departure_lines(card: Card) -> Iterator[str]:
    """Yield the line of a card whose customer left."""
    if card.left is not None and isinstance(card.left.fact, CustomerLeft):
        yield departure_sentence(card.left.fact).removesuffix(".")


def departure_sentence(fact: CustomerLeft) -> str:
    """Return mrkdwn that says what happened, without what a person wrote."""
    when = "" if fact.on is None else f" on {day(fact.on)}"
    why = f" Reason: {escape(fact.reason, longest=200).rstrip('.')}." if fact.reason else " They gave no reason."
    return f":wave: {fact.left.words}{when}.{why}"


def show_button(departure_id: int) -> Block:
    """Return the button that shows one person what somebody wrote."""
    return {"type": "actions", "elements": [button(ids.SHOW_WORDS, "Show…", str(departure_id))]}


def words_message(words: CustomerWords | None) -> Message:
    """Return what somebody wrote when they left, for one person to read."""
    if words is None:
        return note_message(_ERASED)
    who = " · ".join(escape(each) for each in (words.name, words.email) if each) or "Somebody who gave no name"
    blocks = [section(f"{who}, when they left:")]
    text = words.message or "They wrote nothing more."
    quote = {"type": "rich_text_quote", "elements": [{"type": "text", "text": tame_lines(text)[:2_900]}]}
    return Message(text="What they wrote when they left", blocks=[*blocks, {"type": "rich_text", "elements": [quote]}])

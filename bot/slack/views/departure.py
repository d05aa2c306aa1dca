"""Why a customer left, and which quote they accepted, in words: on the card, in its thread, and to its owner."""

from collections.abc import Iterator
from dataclasses import replace

from bot.domain.card import Card, title
from bot.domain.departure import CustomerWords
from bot.domain.history import CustomerLeft, QuoteAccepted
from bot.domain.text import day
from bot.slack import ids
from bot.slack.blocks import Block, Message, button, note_message, section
from bot.slack.text import escape, tame_lines
from bot.slack.views.owner import stand_in

_ERASED = "What they wrote is no longer on record."


def departure_lines(card: Card) -> Iterator[str]:
    """Yield the lines of a card: the customer left, or accepted a quote."""
    for entry in (card.left, card.quote):
        if entry is not None and isinstance(entry.fact, CustomerLeft | QuoteAccepted):
            yield departure_sentence(entry.fact).removesuffix(".")


def departure_sentence(fact: CustomerLeft | QuoteAccepted) -> str:
    """Return mrkdwn that says what happened, without what a person wrote."""
    match fact:
        case CustomerLeft(left=left, reason=reason, on=on):
            when = "" if on is None else f" on {day(on)}"
            why = f" Reason: {escape(reason, longest=200).rstrip('.')}." if reason else " They gave no reason."
            return f":wave: {left.words}{when}.{why}"
        case QuoteAccepted(on=on, starts=starts):
            when = "" if on is None else f" on {day(on)}"
            named = (fact.users, fact.edition, "" if starts is None else f"from {day(starts)}", fact.price)
            what = ", ".join(escape(each) for each in named if each)
            through = " A reseller seems to be involved." if fact.reseller else ""
            return f":handshake: Quote accepted{when}{f': {what}' if what else ''}.{through}"


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


def quote_news_message(card: Card, link: str | None, *, to: str) -> Message:
    """Return what the owner of an evaluation, or the person who stands in, reads when its customer accepts a quote."""
    license_ = card.evaluation.license
    name = f"{escape(title(license_), longest=80)} · {escape(license_.app_name, longest=80)}"
    said = (
        ""
        if card.quote is None or not isinstance(card.quote.fact, QuoteAccepted)
        else departure_sentence(card.quote.fact)
    )
    head = f"<{link}|{name}>" if link else name
    news = note_message(f"{head}\n{said or 'They accepted a quote.'}")
    return replace(news, blocks=[*news.blocks, *stand_in(card, to)])

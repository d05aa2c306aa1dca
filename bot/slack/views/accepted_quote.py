"""Which quote a customer accepted, in words: on the card, in its thread, and to its owner."""

from collections.abc import Iterator
from dataclasses import replace

from bot.domain.card import Card, title
from bot.domain.history import QuoteAccepted
from bot.domain.text import day
from bot.slack.blocks import Message, note_message
from bot.slack.text import escape
from bot.slack.views.owner import stand_in


def quote_lines(card: Card) -> Iterator[str]:
    """Yield the line of a card whose customer accepted a quote."""
    if card.quote is not None and isinstance(card.quote.fact, QuoteAccepted):
        yield quote_sentence(card.quote.fact).removesuffix(".")


def quote_sentence(fact: QuoteAccepted) -> str:
    """Return mrkdwn that says what the customer accepted."""
    when = "" if fact.on is None else f" on {day(fact.on)}"
    named = (fact.users, fact.edition, "" if fact.starts is None else f"from {day(fact.starts)}", fact.price)
    what = ", ".join(escape(each) for each in named if each)
    through = " A reseller seems to be involved." if fact.reseller else ""
    return f":handshake: Quote accepted{when}{f': {what}' if what else ''}.{through}"


def quote_news_message(card: Card, link: str | None, *, to: str) -> Message:
    """Return what the owner of an evaluation, or the person who stands in, reads when its customer accepts a quote."""
    license_ = card.evaluation.license
    name = f"{escape(title(license_), longest=80)} · {escape(license_.app_name, longest=80)}"
    head = f"<{link}|{name}>" if link else name
    accepted = None if card.quote is None else card.quote.fact
    said = quote_sentence(accepted) if isinstance(accepted, QuoteAccepted) else "They accepted a quote."
    news = note_message(f"{head}\n{said}")
    return replace(news, blocks=[*news.blocks, *stand_in(card, to)])

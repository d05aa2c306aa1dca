"""Feedback from an app and the answers to it: lines in the card's thread, the message to the owner, two windows."""

from typing import Final

from bot.domain.card import Card, title
from bot.domain.dnc import DncEntry
from bot.domain.feedback import LONGEST_TEXT, FeedbackMessage, FeedbackSource, Topic
from bot.domain.history import AnsweredInApp, FeedbackReceived
from bot.slack.blocks import Block, Message, button, section, small
from bot.slack.ids import FeedbackButton, Field, View
from bot.slack.text import escape, mention, moment, tame_lines
from bot.slack.views.inputs import input_block, lines_input
from bot.slack.views.modal_metadata import FeedbackMetadata, ModalMetadata
from bot.slack.views.modals import Modal, build_modal
from bot.slack.views.owner import stand_in
from bot.slack.views.received import quote

GONE: Final = "This feedback is no longer on record."
NO_WAY_BACK: Final = (
    "They asked for no answer to this. If they wrote before, answer that in the thread. If the card has *Email…*, you "
    "can write about the trial. If not, press *Done* in its menu."
)
ANSWERED: Final = "Your answer is in the app now. The window there shows it."
ONLY_ADMINS: Final = "They unsubscribed before they asked for an answer. Only an admin can send it."
_FALLBACK: Final = 300
_QUOTED: Final = 2900
"""Characters of a quote; `received.quote` cuts a longer one."""
_SOURCES: Final = {
    FeedbackSource.BACKEND: "Feedback from the app",
    FeedbackSource.FORGE: "Feedback from the app",
    FeedbackSource.BROWSER: "Feedback from a page, not verified",
    FeedbackSource.LINK: "Answer to an email, on the feedback page",
}
_TOPICS: Final = {
    Topic.QUESTION: "a question",
    Topic.PROBLEM: "a problem",
    Topic.IDEA: "an idea",
    Topic.PRICE: "about the price",
    Topic.OTHER: "",
}


def headline(fact: FeedbackReceived | AnsweredInApp) -> str:
    """Return mrkdwn that says what arrived, or who answered."""
    message = fact.feedback
    if isinstance(fact, AnsweredInApp):
        who = mention(message.author) if message is not None and message.author else "Somebody"
        return f":speech_balloon: {who} answered in the app."
    if message is None:
        return ":speech_balloon: They sent feedback."
    if message.content is None:
        return ":speech_balloon: Feedback was erased."
    topic = _TOPICS[message.topic] if message.topic else ""
    parts = [_SOURCES[message.source], topic, _stars(message.rating)]
    return f":speech_balloon: {' · '.join(part for part in parts if part)}."


def line_message(fact: FeedbackReceived | AnsweredInApp) -> Message:
    """Return the line in the thread. Its buttons stay; the listener checks what is still possible."""
    message, head = fact.feedback, headline(fact)
    if message is None or message.content is None:
        return Message(text=head, blocks=[section(head)])
    words = message.content.text
    text = f"{head} “{escape(words, longest=_FALLBACK)}”" if words else head
    blocks = [section(f"{head.removesuffix('.')} · {moment(message.at)}"), *_quoted(message)]
    return Message(text=text, blocks=blocks if isinstance(fact, AnsweredInApp) else [*blocks, *_buttons(message)])


def owner_message(card: Card, message: FeedbackMessage | None, *, link: str | None, to: str) -> Message:
    """Tell the owner that somebody wrote. `link` leads to the card; `to` is the person who reads this."""
    license_ = card.evaluation.license
    name = f"{escape(title(license_), longest=90)} · {escape(license_.app_name, longest=60)}"
    head = f":speech_balloon: *{f'<{link}|{name}>' if link else name}* sent feedback"
    if message is None or message.content is None:
        return Message(text=f"{name} sent feedback.", blocks=[section(f"{head}. It was erased since.")])
    stars = _stars(message.rating)
    words = f": “{escape(message.content.text, longest=_FALLBACK)}”" if message.content.text else "."
    return Message(
        text=f"{name} sent feedback{words}",
        blocks=[
            section(f"{head}{f': {stars}' if stars else '.'}"),
            *_quoted(message),
            *stand_in(card, to),
            *_buttons(message),
        ],
    )


def full_feedback(metadata: ModalMetadata, message: FeedbackMessage | None) -> Modal:
    """Show all that is kept of a message."""
    content = None if message is None else message.content
    if content is None:
        return build_modal(View.FEEDBACK, metadata, [section(GONE)])
    facts = (("Page", content.page), ("App version", content.app_version), ("Language", content.locale))
    person = (("Name", content.name), ("Answer to", content.reply_to))
    lines = [f"*{label}* {escape(value, longest=330)}" for label, value in (*person, *facts) if value]
    blocks = [quote(content.text)] if content.text else []
    return build_modal(
        View.FEEDBACK,
        metadata,
        [*blocks, *([section("\n".join(lines))] if lines else [])]
        or [section("They gave a rating and wrote nothing.")],
    )


def answer_form(metadata: FeedbackMetadata, message: FeedbackMessage) -> Modal:
    """Ask for the answer that the window in the app shows."""
    words = input_block(
        "Your answer",
        Field.FEEDBACK_ANSWER,
        lines_input(LONGEST_TEXT),
        hint="They read it in the app, with the name of your team and not yours. No email is sent.",
    )
    quoted = [quote(message.content.text)] if message.content is not None and message.content.text else []
    return build_modal(View.FEEDBACK_ANSWER, metadata, [*quoted, words], submit="Answer")


def unsubscribed_before(entry: DncEntry) -> str:
    """Say to an admin that they may answer somebody who unsubscribed."""
    return (
        f"They unsubscribed {moment(entry.at)} and asked for an answer after that. As an admin you may send this one "
        "email. They stay unsubscribed."
    )


def _quoted(message: FeedbackMessage) -> list[Block]:
    content = message.content
    if content is None:
        return []
    where = [part for part in (content.page, content.app_version and f"version {content.app_version}") if part]
    quoted = [quote(content.text)] if content.text else []
    return [*quoted, small(escape(" · ".join(where), longest=220))] if where else quoted


def _stars(rating: int | None) -> str:
    return "" if rating is None else f"{'★' * rating}{'☆' * (5 - rating)}"


def _buttons(message: FeedbackMessage) -> list[Block]:
    """Return the ways to answer, and the one to see what the quote has no room for."""
    number, content = str(message.id), message.content
    is_long = content is not None and len(tame_lines(content.text)) > _QUOTED
    has_more = content is not None and bool(content.name or content.reply_to)
    offers = (
        (FeedbackButton.ANSWER, "Answer…", message.person is not None),
        (FeedbackButton.ANSWER_IN_APP, "Answer in the app…", message.may_answer_in_app),
        (FeedbackButton.SHOW, "Show…", is_long or has_more),
    )
    buttons = [button(action, label, number) for action, label, is_offered in offers if is_offered]
    return [{"type": "actions", "elements": buttons}] if buttons else []

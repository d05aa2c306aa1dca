"""A reply to one of our emails: its line in the card's thread, the message to the owner, and all of it in a window."""

from typing import Final

from bot.domain.card import Card, title
from bot.domain.history import ReplyReceived
from bot.domain.replies import Reply, ReplyKind, Writer
from bot.domain.text import day
from bot.slack.blocks import Block, Message, button, section, small
from bot.slack.ids import ReplyButton, View
from bot.slack.text import escape, moment, tame_lines
from bot.slack.views.modal_metadata import ModalMetadata
from bot.slack.views.modals import Modal, build_modal
from bot.slack.views.owner import stand_in

GONE: Final = "This reply is no longer on record."
_MAX_LENGTH: Final = 2900
"""Characters of a reply in a message; Slack takes 3,000."""
_FALLBACK: Final = 300
_MOST_FILES: Final = 5
_WRITERS: Final = {
    Writer.CONTACT: "They replied.",
    Writer.COLLEAGUE: "A colleague at the same domain replied.",
    Writer.OTHER: "Somebody at another domain replied.",
}


def headline(fact: ReplyReceived) -> str:
    """Return a sentence or two of mrkdwn that say what arrived."""
    reply = fact.reply
    if reply is None:
        return f":speech_balloon: {_WRITERS[Writer.CONTACT]}"
    if reply.content is None:
        return ":speech_balloon: A reply was erased."
    probably = " Only the sender and the subject match, so it may be about something else."
    unsure = probably if reply.content.is_probable else ""
    match reply.kind:
        case ReplyKind.REPLY:
            return f":speech_balloon: {_WRITERS[reply.writer]}{unsure}"
        case ReplyKind.REFUSAL:
            return ":no_entry_sign: *Do not contact*: they replied that they want no more email."
        case ReplyKind.AUTOMATIC:
            left = " This person may have left the company." if reply.content.has_left else ""
            return f":robot_face: Their mailbox replied automatically.{left}{unsure}"


def line_message(fact: ReplyReceived) -> Message:
    """Return the line in the thread. Its buttons stay; the listener checks what is still possible."""
    reply, head = fact.reply, headline(fact)
    if reply is None or reply.content is None:
        return Message(text=head, blocks=[section(head)])
    return Message(
        text=f"{head} “{escape(reply.content.text, longest=_FALLBACK)}”",
        blocks=[section(f"{head.removesuffix('.')} · {moment(reply.at)}"), *_quoted(reply), _buttons(reply)],
    )


def owner_message(card: Card, reply: Reply | None, *, link: str | None, to: str) -> Message:
    """Tell the owner that somebody replied. `link` leads to the card; `to` is the person who reads this."""
    license_ = card.evaluation.license
    name = f"{escape(title(license_), longest=90)} · {escape(license_.app_name, longest=60)}"
    head = f":speech_balloon: *{f'<{link}|{name}>' if link else name}* replied to an email."
    if reply is None or reply.content is None:
        return Message(text=f"{name} replied to an email.", blocks=[section(f"{head} It was erased since.")])
    text = f"{name} replied to an email: “{escape(reply.content.text, longest=_FALLBACK)}”"
    return Message(text=text, blocks=[section(head), *_quoted(reply), *stand_in(card, to), _buttons(reply)])


def full_reply(metadata: ModalMetadata, reply: Reply | None) -> Modal:
    """Show all that is kept of a reply."""
    if reply is None or reply.content is None:
        return build_modal(View.REPLY, metadata, [section(GONE)])
    content = reply.content
    head = f"*From* {escape(content.sender)}\n*Subject* {escape(content.subject, longest=300)}"
    text = content.full_text or content.text
    parts = [text[start : start + _MAX_LENGTH] for start in range(0, len(text), _MAX_LENGTH)]
    blocks = [section(head), *({"type": "rich_text", "elements": [_text_element(part)]} for part in parts)]
    return build_modal(View.REPLY, metadata, [*blocks, *_files(content.attachments, most=len(content.attachments))])


def quote(text: str, *, longest: int = _MAX_LENGTH) -> Block:
    """Return a quote in which nothing becomes markup, a mention or a link."""
    shown = text if len(text) <= longest else f"{text[:longest].rstrip()}…"
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_quote", "elements": [{"type": "text", "text": tame_lines(shown)}]}],
    }


def _quoted(reply: Reply) -> list[Block]:
    content = reply.content
    return [] if content is None else [quote(content.text), *_files(content.attachments, most=_MOST_FILES)]


def _files(names: tuple[str, ...], *, most: int) -> list[Block]:
    """Say which files came with a reply; they stay in the mailbox."""
    if not names:
        return []
    more = f" and {len(names) - most} more" if len(names) > most else ""
    shown = ", ".join(escape(name, longest=80) for name in names[: min(most, 20)])
    return [small(f":paperclip: {shown}{more}. Files stay in the mailbox.")]


def _buttons(reply: Reply) -> Block:
    number, until = str(reply.id), None if reply.content is None else reply.content.absent_until
    buttons = [button(ReplyButton.SHOW, "Show…", number)]
    if reply.kind is ReplyKind.REPLY:
        buttons.insert(0, {**button(ReplyButton.ANSWER, "Answer…", number), "style": "primary"})
    elif until is not None:
        buttons.insert(0, button(ReplyButton.SNOOZE, f"Snooze until {day(until)}", number))
    return {"type": "actions", "elements": buttons}


def _text_element(text: str) -> Block:
    return {"type": "rich_text_section", "elements": [{"type": "text", "text": tame_lines(text)}]}

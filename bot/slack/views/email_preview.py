"""The preview of an email, and what became of the email."""

from typing import Final

from bot.domain.mail import MailOutcome, MailPreview, MailState
from bot.slack.blocks import Block, button, section, small
from bot.slack.ids import Settle, View
from bot.slack.mrkdwn import render_markdown
from bot.slack.text import escape
from bot.slack.views.modal_metadata import ModalMetadata, PreviewMetadata
from bot.slack.views.modals import Modal, build_modal

_HEADER: Final = 140
_SUBJECT: Final = 300
_FOOTER: Final = 1800
"""Characters at most; the longest footer has about 1,500, with names and addresses. Together with a body of 5,200, the
modal stays below the 8,000 characters that are safe in Slack.
"""
_FOOTER_PARAGRAPHS: Final = 20
"""Each is a block of its own, and a modal has 100 at most. The others stay together."""


def preview(metadata: PreviewMetadata, mail: MailPreview) -> Modal:
    """Return the preview of an email as it will be sent."""
    headers = {"From": mail.sender, "To": mail.to, "Reply-To": mail.reply_to, "Legal basis": mail.basis}
    blocks = [
        section("\n".join(f"*{name}* {escape(value, longest=_HEADER)}" for name, value in headers.items())),
        section(f"*Subject* {escape(mail.subject, longest=_SUBJECT)}"),
        {"type": "divider"},
        *(section(text) for text in render_markdown(mail.body)),
        {"type": "divider"},
        *(small(text) for text in _footer(mail.footer)),
    ]
    return build_modal(View.PREVIEW, metadata, blocks, submit="Send")


def sending(metadata: ModalMetadata, text: str, *, mail_id: int | None = None) -> Modal:
    """Return the modal after Send: what becomes of the email. With `mail_id` it has a button to cancel that one.

    Closing it also closes the form and the preview below it.
    """
    blocks: list[Block] = [section(text)]
    if mail_id is not None:
        undo = button(Settle.UNDO, "Undo", str(mail_id))
        blocks.append({"type": "actions", "elements": [undo]})
    return {**build_modal(View.SENDING, metadata, blocks), "clear_on_close": True}


def late_text(recipient: str) -> str:
    """Say that the hold is over and the email is still waiting."""
    return (
        f":hourglass_flowing_sand: Sending to {escape(recipient)} takes longer than usual. The card shows the result."
    )


def outcome_text(outcome: MailOutcome, recipient: str) -> str:
    """Say what became of an email; `recipient` is their name or address."""
    name = escape(recipient)
    error = f" {escape(outcome.error, longest=500)}" if outcome.error else ""
    match outcome.state:
        case MailState.SENT:
            return f":white_check_mark: Sent to {name}."
        case MailState.CANCELLED:
            return ":leftwards_arrow_with_hook: Cancelled. Nothing was sent."
        case MailState.FAILED:
            return f":no_entry_sign: Not sent to {name}.{error}"
        case MailState.UNKNOWN:
            return (
                f":warning: We don't know whether the email to {name} arrived. The buttons in the card's thread help."
            )
        case MailState.DEFERRED:
            return f":hourglass_flowing_sand: Not sent yet.{error} We'll keep trying; the card shows the result."
        case _:
            return f":hourglass_flowing_sand: Sending to {name}…"


def _footer(text: str) -> list[str]:
    """Return the paragraphs of the footer as escaped mrkdwn."""
    lines: list[str] = []
    left = _FOOTER
    for line in text.strip().splitlines():
        if left <= 0:
            break
        lines.append(escape(line, longest=left) if line.strip() else "")
        left -= len(lines[-1]) + 1
    found = [each for each in "\n".join(lines).split("\n\n") if each.strip()]
    rest = "\n\n".join(found[_FOOTER_PARAGRAPHS:])
    return [*found[:_FOOTER_PARAGRAPHS], *([rest] if rest else [])]

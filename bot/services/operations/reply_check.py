"""Send an email to the address for replies, and see that it arrives in the mailbox."""

import secrets
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from typing import Final

from bot.concurrency.own_thread import OwnThread
from bot.errors import MailSetupWrong
from bot.mail.inbound.imap import ImapAccount, ImapMailbox, OpenFolder, Secret
from bot.mail.inbound.reply import FIELDS, OWN_HEADER, Incoming, read_incoming
from bot.mail.inbound.verp import Purpose, read_tagged_address
from bot.mail.outbound.compose import new_message_id
from bot.services.mail.mailer import Mailer

ARRIVES_WITHIN_S: Final = 60.0
_NO_MAIL: Final = 10**9
"""The id in its address: no email on record has it, so that the bot takes it for nobody's reply."""
_SLICE_S: Final = 0.5
_SUBJECT: Final = "Evaluator Bot: a test of the mailbox for replies"
_TEXT: Final = "`evaluator-bot check --send` sent this to see whether replies arrive. You can delete it.\n"


async def send_to_mailbox(
    mailer: Mailer, account: ImapAccount, secret: Secret, *, within: float = ARRIVES_WITHIN_S
) -> str:
    """Send the email and return how long it took to arrive. It stays in the mailbox.

    Raises MailSetupWrong if it did not arrive `within` so many seconds or lost its tag on the way, and whatever
    sending or opening the mailbox raises.
    """
    mailbox = ImapMailbox(account)
    thread = OwnThread("mailbox", interrupt=mailbox.interrupt)
    try:
        opened = await thread.run(partial(mailbox.open, secret))
        began, message_id = time.monotonic(), await _send(mailer)
        while time.monotonic() - began < within:
            found = await thread.run(partial(_arrived, mailbox, opened, mailer, message_id))
            if found is not None:
                return _took(found, time.monotonic() - began)
            await thread.run(partial(mailbox.wait, min(_SLICE_S, within), idle=False))
    finally:
        await thread.end(mailbox.close)
        await mailer.smtp.aclose()
    address = mailer.reply_address(_NO_MAIL)
    raise MailSetupWrong(
        f"The mail server took an email to {address}, and it did not arrive within {within:g} s. See whether "
        "MAIL_REPLIES is the mailbox that IMAP_USERNAME opens, and takes plus tags. Look into its folder for spam, too."
    )


async def _send(mailer: Mailer) -> str:
    """Send the email and return its Message-ID."""
    address, sender = mailer.reply_address(_NO_MAIL), mailer.sender.address
    if address is None:
        raise MailSetupWrong("MAIL_REPLIES is not set, so replies go to the owner's own mailbox.")
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, address, _SUBJECT
    mail["Date"] = datetime.now(UTC)
    mail["Message-ID"] = message_id = new_message_id(secrets.token_hex(16), sender.domain)
    mail["Auto-Submitted"] = "auto-generated"
    mail[OWN_HEADER] = "1"
    mail.set_content(_TEXT)
    content = mail.as_bytes()
    await mailer.smtp.send(
        content if mailer.signer is None else mailer.signer.sign(content),
        envelope_from=mailer.envelope_sender(_NO_MAIL),
        recipient=address,
    )
    return message_id


def _arrived(mailbox: ImapMailbox, opened: OpenFolder, mailer: Mailer, message_id: str) -> Incoming | None:
    keys = [] if mailer.replies is None else [mailer.replies.key]
    tag = partial(read_tagged_address, keys=keys, purpose=Purpose.REPLY)
    uids = mailbox.uids(after=opened.uidnext - 1, since=None)
    for each in mailbox.headers(uids, FIELDS) if uids else ():
        found = read_incoming(each.content, tag=tag)
        if found.message_id == message_id:
            return found
    return None


def _took(found: Incoming, seconds: float) -> str:
    if _NO_MAIL not in found.clues.tagged:
        raise MailSetupWrong(
            "An email to the mailbox for replies arrived, but without the tag in its address. Replies are recognized "
            "by their thread alone. Let the mail server keep what follows the plus sign."
        )
    return f"an email arrived within {max(1, round(seconds))} s, with its tag; it stays in the mailbox"

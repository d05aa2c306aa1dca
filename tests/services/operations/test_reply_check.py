"""An email that the bot sends to its own mailbox for replies."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from email.message import EmailMessage

import pytest

from bot.demo.fake_imap import PASSWORD, USERNAME, ReplyMailbox
from bot.demo.fake_smtp import Mail, Mailbox
from bot.errors import MailSetupWrong
from bot.mail.inbound.imap import ImapAccount, Secret
from bot.mail.outbound.compose import Sender
from bot.mail.outbound.smtp import Smtp, SmtpServer
from bot.services.mail.mailer import Mailer, VerpSettings
from bot.services.operations.reply_check import send_to_mailbox


@asynccontextmanager
async def arriving(change: Callable[[Mail], str | None]) -> AsyncIterator[tuple[Mailer, ImapAccount]]:
    """A mail server that puts each email into the mailbox, with the address that `change` returns; None loses it."""
    box, deliveries = ReplyMailbox(), set[asyncio.Task[None]]()

    def deliver(mail: Mail) -> None:
        if (to := change(mail)) is not None:
            found = EmailMessage()
            found["From"], found["To"], found["Message-ID"] = mail["from"], to, mail["headers"]["Message-ID"]
            deliveries.add(asyncio.create_task(box.deliver(found.as_bytes())))

    async with box.serve() as imap, Mailbox(on_mail=deliver).serve() as smtp:
        await box.deliver(b"Subject: it was here before\r\n\r\n")
        yield (
            Mailer(
                smtp=Smtp(SmtpServer(host="127.0.0.1", port=smtp, tls="none")),
                sender=Sender(from_address="Vendor <hello@vendor.example>", postal_address="1 Road"),
                vendor=None,
                kept=timedelta(days=1),
                replies=VerpSettings(address=USERNAME, key=b"a key"),
            ),
            ImapAccount(host="127.0.0.1", port=imap, tls="none", username=USERNAME, folder="INBOX"),
        )
        await asyncio.gather(*deliveries)


async def test_an_email_that_arrives_with_its_tag_is_said_to() -> None:
    async with arriving(lambda mail: mail["to"][0]) as (mailer, account):
        said = await send_to_mailbox(mailer, account, Secret(PASSWORD))
        assert re.fullmatch(r"an email arrived within \d+ s, with its tag; it stays in the mailbox", said)


@pytest.mark.parametrize(
    ("change", "words"), [(lambda _: USERNAME, "without the tag"), (lambda _: None, "did not arrive")]
)
async def test_an_email_that_loses_its_tag_or_its_way_is_a_problem(
    change: Callable[[Mail], str | None], words: str
) -> None:
    async with arriving(change) as (mailer, account):
        within = 0.05 if words == "did not arrive" else 60
        with pytest.raises(MailSetupWrong, match=words):
            await send_to_mailbox(mailer, account, Secret(PASSWORD), within=within)

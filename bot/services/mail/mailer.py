"""Compose an email and hand it to the server."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from typing import Final

from bot.domain.evaluation import Evaluation
from bot.mail.inbound.verp import Purpose, envelope_sender, tagged_address
from bot.mail.outbound.compose import Footer, Recipient, Sender, Thread, compose
from bot.mail.outbound.dkim import Signer
from bot.mail.outbound.footer import footer_texts
from bot.mail.outbound.smtp import Smtp
from bot.services.mail.links import Links
from bot.store.mail.repository import ClaimedMail

PREVIEWED: Final = 0
"""The id of an email in a preview, which is not on record yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerpSettings:
    """Where bounces or replies go; the key makes an address for each email."""

    address: str
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    """The mail server, the sender, and what is optional: DKIM signature, links, return addresses, reply addresses."""

    smtp: Smtp
    sender: Sender
    vendor: str | None
    """The company's name in emails."""
    kept: timedelta
    """How long contacts are kept; the email says so."""
    signer: Signer | None = None
    links: Links | None = None
    feedback: Links | None = None
    verp: VerpSettings | None = None
    replies: VerpSettings | None = None

    async def send(self, claimed: ClaimedMail, evaluation: Evaluation | None) -> None:
        """Compose the email and send it. Raises what `compose` and `Smtp.send` raise."""
        content = self._compose(claimed, evaluation, lambda each: each.url(claimed.address, claimed.mail_id)).as_bytes()
        await self.smtp.send(
            content if self.signer is None else self.signer.sign(content),
            envelope_from=self.envelope_sender(claimed.mail_id),
            recipient=claimed.address,
        )

    def preview(self, claimed: ClaimedMail, evaluation: Evaluation | None) -> EmailMessage:
        """Return the email as it will be sent, but without links that would act for its recipient. Raises what
        `compose` raises.
        """
        return self._compose(claimed, evaluation, lambda each: each.sample)

    def _compose(
        self, claimed: ClaimedMail, evaluation: Evaluation | None, url: Callable[[Links], str]
    ) -> EmailMessage:
        return compose(
            sender=self.sender,
            recipient=Recipient(address=claimed.address, name=claimed.contact.name),
            subject=claimed.content.subject,
            body=claimed.content.body,
            footer=Footer(
                texts=footer_texts(
                    claimed.content.language,
                    app=evaluation.license.app_name if evaluation else None,
                    began=evaluation.trial.started if evaluation else None,
                    first=claimed.first,
                    kept=self.kept,
                ),
                unsubscribe_url=url(self.links) if self.links else None,
                feedback_url=url(self.feedback) if self.feedback else None,
            ),
            thread=Thread(
                message_id=claimed.message_id,
                date=claimed.requested_at,
                reply_to=claimed.content.reply_to,
                mailbox=self.reply_address(claimed.mail_id),
                in_reply_to=claimed.content.in_reply_to,
                references=claimed.content.references,
            ),
        )

    def reply_address(self, mail_id: int) -> str | None:
        """Return the address for replies to this email, if the bot reads them. MailSetupWrong if MAIL_REPLIES is
        unusable or too long. A preview has an address without a tag.
        """
        if self.replies is None:
            return None
        if mail_id == PREVIEWED:
            return self.replies.address
        return tagged_address(self.replies.address, mail_id, self.replies.key, Purpose.REPLY)

    def envelope_sender(self, mail_id: int) -> str:
        """Return the return address of this email. MailSetupWrong if MAIL_BOUNCES is unusable or too long."""
        if self.verp is None:
            return self.sender.address.addr_spec
        return envelope_sender(self.verp.address, mail_id, self.verp.key)

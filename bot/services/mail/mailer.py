"""The post office: what it takes to write a mail out and hand it over."""

from dataclasses import dataclass
from datetime import timedelta

from bot.domain.evaluation import Evaluation
from bot.mail.inbound.verp import envelope_sender
from bot.mail.outbound.compose import Sender, compose
from bot.mail.outbound.dkim import Signer
from bot.mail.outbound.footer import footer_texts
from bot.mail.outbound.smtp import Smtp
from bot.services.mail.unsubscribe_links import Links
from bot.store.mail.repository import ClaimedMail


@dataclass(frozen=True, slots=True, kw_only=True)
class VerpSettings:
    """Where mail that cannot be delivered comes back to; the key makes the address of each mail its own."""

    address: str
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    """A server, who we are, and what is optional: a signature of the domain, unsubscribe links, return addresses."""

    smtp: Smtp
    sender: Sender
    vendor: str | None
    """The name of the company, as mails give it."""
    kept: timedelta
    """How long contacts are kept; the mail says so."""
    signer: Signer | None = None
    links: Links | None = None
    returns: VerpSettings | None = None

    async def hand_over(self, taken: ClaimedMail, evaluation: Evaluation | None) -> None:
        """Write the mail out and give it to the server. The errors are those of `compose` and `Smtp.send`."""
        message = compose(
            sender=self.sender,
            to_address=taken.address,
            to_name=taken.contact.name,
            subject=taken.letter.subject,
            body=taken.letter.body,
            words=footer_texts(
                taken.letter.language,
                app=evaluation.license.app_name if evaluation else None,
                began=evaluation.trial.started if evaluation else None,
                first=taken.first,
                kept=self.kept,
            ),
            message_id=taken.message_id,
            date=taken.ordered_at,
            reply_to=taken.letter.reply_to,
            unsubscribe_url=self.links.url(taken.address, taken.mail_id) if self.links else None,
        )
        content = message.as_bytes()
        await self.smtp.send(
            content if self.signer is None else self.signer.sign(content),
            envelope_from=self.envelope(taken.mail_id),
            recipient=taken.address,
        )

    def envelope(self, mail_id: int) -> str:
        """Where this mail comes back to. MailSetupWrong if that is no address, or too long a one."""
        if self.returns is None:
            return self.sender.address.addr_spec
        return envelope_sender(self.returns.address, mail_id, self.returns.key)

"""Build the mail components from the settings."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bot.config.settings import ChannelSettings, Settings
from bot.errors import MailSetupWrong
from bot.mail.inbound.verp import read_return_address
from bot.mail.outbound.compose import Sender
from bot.mail.outbound.dkim import Signer
from bot.mail.outbound.smtp import Smtp, SmtpServer
from bot.security.keyring import Keyring
from bot.services.inbound.bounces import BounceHandler
from bot.services.mail.links import LinkKind, Links
from bot.services.mail.mailer import Mailer, VerpSettings
from bot.services.operations.alerts import AdminAlerts
from bot.store import Store

_IDLE_TIMEOUT_S = 30.0
"""Seconds that a connection to the mail server is kept for the next email."""


def build_mailer(settings: Settings) -> Mailer | None:
    """Build the mailer, or return None unless server, sender and postal address are set. MailSetupWrong if a key is
    unusable.
    """
    found = build_unsigned_mailer(settings)
    return found and replace(found, signer=signer(settings))


def build_unsigned_mailer(settings: Settings) -> Mailer | None:
    """Build the same mailer without the DKIM signer, so that its key need not be usable."""
    if settings.smtp_host is None or settings.mail_from is None or settings.mail_postal_address is None:
        return None
    password = settings.smtp_password
    server = SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=password.get_secret_value() if password else None,
        tls=settings.smtp_tls,
    )
    sender = Sender(
        from_address=settings.mail_from,
        postal_address=settings.mail_postal_address,
        reply_to=settings.mail_reply_to,
        privacy_url=settings.mail_privacy_url,
    )
    keyring, replies = Keyring(settings.secret_key), settings.mail_replies
    # The bot also reads what comes back to the mailbox for replies.
    bounces = settings.mail_bounces or (replies if settings.imap_host else None)
    return Mailer(
        smtp=Smtp(server, trust=settings.network.trust, idle=_IDLE_TIMEOUT_S),
        sender=sender,
        vendor=settings.mail_vendor,
        kept=settings.retention,
        links=build_links(settings, LinkKind.UNSUBSCRIBE),
        feedback=build_links(settings, LinkKind.FEEDBACK),
        verp=VerpSettings(address=bounces, key=keyring.return_keys[0]) if bounces else None,
        replies=VerpSettings(address=replies, key=keyring.return_keys[0]) if replies else None,
    )


def build_bounce_handler(
    settings: Settings | ChannelSettings, store: Store, *, clock: Callable[[], datetime]
) -> BounceHandler:
    """Build the handler of bounces and complaints."""
    keyring = Keyring(settings.secret_key).return_keys
    alerts = AdminAlerts(store, admins=settings.slack_admins, channel=settings.slack_channel, clock=clock)
    return BounceHandler(
        store.bounces,
        verp=lambda address: read_return_address(address, keyring),
        tell=alerts.mail_refused,
        tell_unclear=alerts.bounce_unclear,
        clock=clock,
    )


def build_links(settings: Settings, kind: LinkKind) -> Links | None:
    """Build the links of one kind in emails, or return None if the bot cannot be reached from outside."""
    if settings.public_url is None:
        return None
    return Links(Keyring(settings.secret_key), public_url=settings.public_url, kind=kind)


def sender_name(settings: Settings) -> str:
    """Return the name under which we email, for the unsubscribe page."""
    if settings.mail_vendor is not None or settings.mail_from is None:
        return settings.mail_vendor or "us"
    address = Sender(from_address=settings.mail_from, postal_address="").address
    return address.display_name or address.domain


def signer(settings: Settings) -> Signer | None:
    """Return the DKIM signer, or None without its settings. Raises MailSetupWrong as `read_signer` does."""
    return read_signer(settings.dkim_domain, settings.dkim_selector, settings.dkim_key)


def read_signer(domain: str | None, selector: str | None, key: Path | None) -> Signer | None:
    """Return the DKIM signer, or None if nothing is given. Raises MailSetupWrong if anything is missing or unusable."""
    if domain is None and selector is None and key is None:
        return None
    if domain is None or selector is None or key is None:
        raise MailSetupWrong("DKIM_DOMAIN, DKIM_SELECTOR and DKIM_KEY belong together. Set all three, or none.")
    try:
        pem = key.read_bytes()
    except OSError as exc:
        raise MailSetupWrong("DKIM_KEY cannot be read. It should be a file that the bot's user may read.") from exc
    return Signer(domain, selector, pem)

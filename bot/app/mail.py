"""The post office as the settings describe it, or why there is none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.config.settings import Settings
from bot.errors import MailSetupWrong
from bot.mail.inbound.verp import read
from bot.mail.outbound.compose import Sender
from bot.mail.outbound.dkim import Signer
from bot.mail.outbound.smtp import Smtp, SmtpServer
from bot.security.keyring import Keys
from bot.services.inbound.bounces import Inbound
from bot.services.mail.mailer import Post, Returns
from bot.services.mail.unsubscribe_links import Links
from bot.services.operations.alerts import Trouble
from bot.store import Store

_IDLE = 30.0
"""Seconds that a connection to the mail server is kept for the next mail."""


def post_office(settings: Settings) -> Post | None:
    """The post office, once server, sender and postal address are all set. MailSetupWrong when a key is no good."""
    found = unsigned_post_office(settings)
    return found and replace(found, signer=signer(settings))


def unsigned_post_office(settings: Settings) -> Post | None:
    """The same without the signature of the vendor's domain, the key of which need not be good."""
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
    keys = Keys(settings.secret_key)
    return Post(
        smtp=Smtp(server, trust=settings.network.trust, idle=_IDLE),
        sender=sender,
        vendor=settings.mail_vendor,
        kept=settings.retention,
        links=links(settings),
        returns=Returns(address=settings.mail_bounces, key=keys.return_keys[0]) if settings.mail_bounces else None,
    )


def inbound(settings: Settings, store: Store, *, clock: Callable[[], datetime]) -> Inbound:
    """Who takes in what comes back."""
    keys = Keys(settings.secret_key).return_keys
    trouble = Trouble(store, admins=settings.slack_admins, channel=settings.slack_channel, clock=clock)
    return Inbound(
        store.bounces,
        verp=lambda address: read(address, keys),
        tell=trouble.mail_refused,
        tell_unclear=trouble.bounce_unclear,
        clock=clock,
    )


def links(settings: Settings) -> Links | None:
    """The links of a bot that can be reached from outside."""
    return None if settings.public_url is None else Links(Keys(settings.secret_key), public_url=settings.public_url)


def our_name(settings: Settings) -> str:
    """The name under which we write, for those who look at a page of ours."""
    if settings.mail_vendor is not None or settings.mail_from is None:
        return settings.mail_vendor or "us"
    address = Sender(from_address=settings.mail_from, postal_address="").address
    return address.display_name or address.domain


def signer(settings: Settings) -> Signer | None:
    """The signature of the vendor's domain, where all three settings are there. MailSetupWrong for a wrong one."""
    given = (settings.dkim_domain, settings.dkim_selector, settings.dkim_key)
    if not any(given):
        return None
    if settings.dkim_domain is None or settings.dkim_selector is None or settings.dkim_key is None:
        raise MailSetupWrong("DKIM_DOMAIN, DKIM_SELECTOR and DKIM_KEY belong together: set all three, or none.")
    try:
        key = settings.dkim_key.read_bytes()
    except OSError as exc:
        raise MailSetupWrong("DKIM_KEY cannot be read: it should be a file that the bot's user may read.") from exc
    return Signer(settings.dkim_domain, settings.dkim_selector, key)

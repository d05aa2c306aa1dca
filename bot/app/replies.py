"""Build the reader of the mailbox for replies from the settings."""

from collections.abc import Awaitable, Callable
from email.utils import parseaddr
from functools import partial

from bot.app.context import Context
from bot.app.mail import build_bounce_handler
from bot.concurrency.heartbeats import Beat
from bot.config.settings import Settings
from bot.domain.address import canonical
from bot.domain.cautions import FREE_MAIL
from bot.errors import MailSetupWrong
from bot.mail.inbound.imap import After, ImapAccount, Secret
from bot.mail.inbound.oauth_token import OAuthClient, fetch_token
from bot.mail.inbound.verp import Purpose, read_tagged_address
from bot.security.keyring import Keyring
from bot.services.inbound.replies import Inbox, ReplyReader


def build_reply_reader(context: Context, *, beat: Beat) -> ReplyReader | None:
    """Build the reader, or return None without IMAP_HOST. Raises MailSetupWrong if a setting is missing."""
    settings, store = context.settings, context.components.store
    inbox = build_inbox(settings)
    if inbox is None:
        return None
    bounces = build_bounce_handler(settings, store, clock=context.clock)
    reader = ReplyReader(
        store, inbox, bounces=bounces, alerts=context.components.alerts, clock=context.clock, beat=beat
    )
    reader.meter = bounces.meter = context.components.meter
    return reader


def build_inbox(settings: Settings) -> Inbox | None:
    """Return the mailbox for replies, or None without IMAP_HOST. Raises MailSetupWrong if a setting is missing."""
    if settings.imap_host is None:
        return None
    if settings.imap_username is None:
        raise MailSetupWrong("IMAP_HOST needs IMAP_USERNAME, the login at the IMAP server.")
    after, _, archive = settings.imap_after.partition(":")
    keys = Keyring(settings.secret_key).return_keys
    return Inbox(
        account=ImapAccount(
            host=settings.imap_host,
            port=settings.imap_port,
            tls=settings.imap_tls,
            username=settings.imap_username,
            folder=settings.imap_folder,
            after=After(after),
            archive=archive.strip(),
            trust=settings.network.trust,
        ),
        secret=_secret(settings),
        reply_tag=partial(read_tagged_address, keys=keys, purpose=Purpose.REPLY),
        bounce_tag=partial(read_tagged_address, keys=keys, purpose=Purpose.BOUNCE),
        is_own=_is_own(settings),
    )


def _secret(settings: Settings) -> Callable[[], Awaitable[Secret]]:
    """Return a function that fetches the secret each time: tokens last about an hour."""
    url, client_id, client_secret = settings.imap_token_url, settings.imap_client_id, settings.imap_client_secret
    if url is None or client_id is None or client_secret is None:
        if settings.imap_password is None:
            raise MailSetupWrong("IMAP_HOST needs IMAP_PASSWORD, or the settings of an OAuth application.")
        password = Secret(settings.imap_password.get_secret_value())

        async def known() -> Secret:
            return password

        return known
    client = OAuthClient(
        token_url=url,
        client_id=client_id,
        client_secret=client_secret.get_secret_value(),
        scope=settings.imap_scope,
        proxy=settings.network.proxy_for(url),
        trust=settings.network.trust,
    )

    async def fresh() -> Secret:
        return Secret(await fetch_token(client), is_token=True)

    return fresh


def _is_own(settings: Settings) -> Callable[[str], bool]:
    """Return a function that recognizes our own addresses: those in the settings, and others at their domains."""
    named = (settings.mail_from, settings.mail_reply_to, settings.mail_replies, settings.mail_bounces)
    ours = {canonical(parseaddr(each)[1]) for each in named if each is not None}
    domains = {each.rpartition("@")[2] for each in ours} - FREE_MAIL

    def is_own(address: str) -> bool:
        key = canonical(address)
        return key in ours or key.rpartition("@")[2] in domains

    return is_own

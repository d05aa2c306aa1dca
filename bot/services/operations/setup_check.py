"""Check everything the bot depends on, and say for each what is wrong and how to fix it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from bot.domain.team_settings import TeamSettings
from bot.domain.text import counted
from bot.errors import BotError, MailError, MailSetupWrong, PermissionMissing, SlackError, SlackRefused
from bot.mail.inbound.imap import OpenFolder
from bot.mail.outbound import sender_dns
from bot.mail.outbound.dkim import Signer
from bot.marketplace.client import Marketplace
from bot.marketplace.responses import NotFound
from bot.services.mail.mailer import Mailer
from bot.services.operations.rotation_check import unavailable_members
from bot.services.team.permissions import NOBODY
from bot.slack.client.errors import another_app, scopes_missing
from bot.slack.client.users import SlackUsers
from bot.slack.client.web_client import Identity, SlackClient, is_person
from bot.store import Store

LIMIT_S: Final = 20.0
"""The time limit for each check, in seconds."""
_CHECK: Final = {
    "Database": "DATABASE_URL, its server, and what locks it; after an update, run `evaluator-bot db upgrade` first",
    "Slack": "the network, its proxy and SLACK_API_URL",
    "Marketplace": "the network, its proxy and MARKETPLACE_API_URL",
    "Mail": "SMTP_HOST, SMTP_PORT and SMTP_TLS, or those of IMAP",
    "App": "the network and FORGE_JWKS_URL",
    "Webhooks": "the network and WEBHOOK_URLS",
}
"""What to check if there is no response, by the first word of the check's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The result of one check; `message` is what was found, or what is wrong and how to fix it."""

    name: str
    is_ok: bool
    message: str


Check = Callable[[], Awaitable[str]]
MAIL_SETTINGS: Final = ("smtp_host", "mail_from", "mail_postal_address")
"""Without one of them, no email is sent."""
_NO_MAIL: Final = "not set up: set SMTP_HOST, MAIL_FROM and MAIL_POSTAL_ADDRESS to send email"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSetup:
    """The Slack settings to check."""

    channel: str
    admins: Sequence[str]
    permissions: Sequence[str]
    app_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The dependencies to check. Each is opened by its own check, which says what is wrong if that fails.

    `problems` returns a sentence for each mail template that cannot be used; `rules` raises an error if the mail rules
    are wrong. `mailbox` opens the folder for replies, or returns None if none is set. `txt` returns the TXT records of
    a name, or None if the name cannot be in the public DNS. `webhooks` connects to each address of webhooks without
    sending, and returns for each host what is wrong, or an empty text. `signals` says how requests of apps are
    verified, or raises what keeps them from it. `missing` names the settings without which no email is sent, as far as
    they are not set.
    """

    store: AbstractAsyncContextManager[Store]
    marketplace: Callable[[], Marketplace]
    mailer: Callable[[], Mailer | None]
    missing: Sequence[str]
    signer: Callable[[], Signer | None]
    problems: Callable[[], Sequence[str]]
    rules: Callable[[], object]
    txt: Callable[[str], Awaitable[Sequence[str] | None]]
    mailbox: Callable[[], Awaitable[OpenFolder | None]]
    webhooks: Callable[[], Awaitable[Mapping[str, str]]]
    signals: Callable[[], Awaitable[str]]


class SetupCheck:
    """Checks each of the bot's dependencies by actually reaching it. An async context manager, to be left after all
    checks.
    """

    def __init__(
        self, slack: SlackClient, directory: SlackUsers, outside: Outside, *, setup: SlackSetup, limit: float = LIMIT_S
    ) -> None:
        """`limit` is in seconds, for each check."""
        self.store: Store | None = None
        """The database, once its check has succeeded."""
        self._slack = slack
        self._slack_users = directory
        self._outside = outside
        self._setup = setup
        self._limit = limit
        self._identity: Identity | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def run(self) -> AsyncIterator[CheckResult]:
        """Yield one result after the other."""
        looks: Sequence[tuple[str, Check]] = (
            ("Database", self._database),
            ("Slack bot token", self._bot_token),
            ("Slack scopes", self._scopes),
            ("Slack channel", self._channels_joined),
            ("Slack admins", self._admins_known),
            ("Slack actors", self._actors_known),
            ("Slack rotation", self._rotation_ready),
            ("Slack app token", self._socket),
            ("Marketplace", self._report),
            ("Mail server", self._mail),
            ("Mail templates", self._templates),
            ("Mail rules", self._rules),
            ("Mail signature (DKIM)", self._dkim),
            ("Mail domain (SPF)", self._spf),
            ("Mail domain (DMARC)", self._dmarc),
            ("Unsubscribe links", self._links),
            ("Mail replies", self._replies),
            ("App signals", self._outside.signals),
            ("Webhooks", self._webhooks_reached),
        )
        for what, look in looks:
            yield await self._found(what, look)

    async def _found(self, what: str, look: Check) -> CheckResult:
        """Return the result of one check, on one line, whatever a response from outside contains."""
        try:
            async with asyncio.timeout(self._limit):
                good, says = True, await look()
        except BotError as exc:
            good, says = False, str(exc)
        except TimeoutError:
            check = _CHECK.get(what.split(maxsplit=1)[0], "the network")
            good, says = False, f"No answer within {self._limit:g} s. Try again later; if it lasts, check {check}."
        line = "".join(letter if letter.isprintable() else " " for letter in says)
        return CheckResult(name=what, is_ok=good, message=" ".join(line.split()))

    async def _database(self) -> str:
        self.store = await self._stack.enter_async_context(self._outside.store)
        about_server = await self.store.server()
        return f"can be written; {about_server}" if about_server else "can be written"

    async def _bot_token(self) -> str:
        return f"works in workspace {(await self._who()).team}"

    async def _who(self) -> Identity:
        """Return the bot's identity, requested again after a failure, which may be over."""
        if self._identity is None:
            self._identity = await self._slack.identity()
        return self._identity

    async def _scopes(self) -> str:
        missing = (await self._who()).scopes_missing
        if missing:
            raise BotError(scopes_missing(missing))
        return "Slack does not say which the app has" if missing is None else "all there"

    async def _channels_joined(self) -> str:
        """Return the names of the channel and of those that the team set for some apps and for reminders."""
        settings = TeamSettings() if self.store is None else await self.store.team.settings()
        own = [channel for _, channel in settings.channels]
        if (to := settings.reminders.escalate_to) is not None and not is_person(to):
            own.append(to)
        names, problems = list[str](), list[str]()
        for channel in dict.fromkeys([self._setup.channel, *own]):
            try:
                names.append(f"#{await self._slack.channel_name(channel)}")
            except SlackRefused as exc:
                problems.append(str(exc) if channel == self._setup.channel else f"{channel} of the team file: {exc}")
        if problems:
            raise BotError(" ".join(problems))
        return ", ".join(names)

    async def _admins_known(self) -> str:
        return await self._known(self._setup.admins) or "not set: the channel hears about problems"

    async def _actors_known(self) -> str:
        return await self._known(self._setup.permissions) or "not set: every full member may email and unblock"

    async def _rotation_ready(self) -> str:
        settings = TeamSettings() if self.store is None else await self.store.team.settings()
        if not settings.rotation:
            return "not set: new evaluations have no owner"
        seats = settings.seats(self._setup.channel)
        if problems := [each async for each in unavailable_members(self._slack, self._slack_users, seats)]:
            raise BotError(" ".join(problems))
        return f"{counted(len(frozenset().union(*seats.values())), 'person', 'people')} can take evaluations"

    async def _known(self, ids: Sequence[str]) -> str:
        """Return the names behind ids of users and groups. BotError names the ids that nobody has."""
        names, unknown = [], []
        for each in ids:
            try:
                is_group = each.startswith("S")
                names.append(
                    f"{len(await self._slack_users.group(each))} of group {each}"
                    if is_group
                    else (await self._slack_users.user(each)).name
                )
            except SlackRefused as exc:
                if exc.code not in NOBODY:
                    raise
                unknown.append(each)
        if unknown:
            raise BotError(f"Slack knows nobody as {', '.join(unknown)}. Copy the ids again from their profiles.")
        return ", ".join(names)

    async def _socket(self) -> str:
        if self._setup.app_token is None:
            return "not set: Slack sends signed requests to /slack/events instead"
        theirs = await self._slack.socket_app(self._setup.app_token)
        ours = await self._own_app()
        if theirs is None or ours is None:
            return "works; Slack does not say whether it belongs to the same app as SLACK_BOT_TOKEN"
        if theirs != ours:
            raise BotError(another_app(theirs, ours))
        return "works"

    async def _own_app(self) -> str | None:
        """Return the id of the bot token's Slack app, or None if it is not available: other checks say why."""
        try:
            who = await self._who()
            return who.app or (await self._slack.app(who.bot) if who.bot else None)
        except SlackError:
            return None

    async def _report(self) -> str:
        async with self._outside.marketplace() as marketplace:
            found = f"report of developer space {await marketplace.check()}"
            refused = await _refused_reports(marketplace)
        return f"{found}; without {' and '.join(refused)}, which this account may not read" if refused else found

    async def _mail(self) -> str:
        mailer = self._outside.mailer()
        if mailer is None:
            if len(self._outside.missing) < len(MAIL_SETTINGS):
                raise MailSetupWrong(f"Nothing is sent without {' and '.join(self._outside.missing)}.")
            return _NO_MAIL
        # A wrong MAIL_FROM is found here, not by the first person who presses Send.
        _ = mailer.sender.address, mailer.sender.answers_to, mailer.sender.privacy_page
        await mailer.smtp.check(envelope_from=mailer.envelope_sender(mail_id=10**9))
        return "works: it takes the sender"

    async def _dkim(self) -> str:
        mailer, signer = self._outside.mailer(), self._outside.signer()
        if mailer is None or signer is None:
            return "not set: fine if your mail server signs, else set DKIM_DOMAIN, DKIM_SELECTOR, DKIM_KEY"
        domain = mailer.sender.address.domain
        if not signer.vouches_for(domain):
            raise MailSetupWrong(
                f"MAIL_FROM is an address of {domain}, for which a signature of another domain does not count. Set "
                f"DKIM_DOMAIN to {domain} and DKIM_SELECTOR to a record there."
            )
        records = await self._outside.txt(signer.record_name)
        if records is None:
            return f"signs; the DNS should have the TXT record {signer.record_name} with {signer.record}"
        sender_dns.verify_dkim(signer.record_name, records, expected=signer.record)
        return f"signs, and the DNS has the key at {signer.record_name}"

    async def _spf(self) -> str:
        mailer = self._outside.mailer()
        if mailer is None:
            return _NO_MAIL
        domain = mailer.envelope_sender(mail_id=10**9).rpartition("@")[2]
        records = await self._outside.txt(domain)
        if records is None:
            return f"not looked up: {domain} is not in the public DNS"
        sender_dns.verify_spf(domain, records)
        return f"{domain} has a record; see that it names your mail server"

    async def _dmarc(self) -> str:
        mailer = self._outside.mailer()
        if mailer is None:
            return _NO_MAIL
        domain = mailer.sender.address.domain
        found: list[str] = []
        for each in sender_dns.parents(domain):
            records = await self._outside.txt(f"_dmarc.{each}")
            if records is None:
                return f"not looked up: {domain} is not in the public DNS"
            found += records if not found else ()
        sender_dns.verify_dmarc(domain, found)
        return f"{domain} has a record"

    async def _links(self) -> str:
        mailer = self._outside.mailer()
        if mailer is None or mailer.links is None:
            return "not set: emails ask for a reply instead; set PUBLIC_URL for a link"
        return "in every email; make sure that PUBLIC_URL reaches this bot from outside"

    async def _replies(self) -> str:
        mailer = self._outside.mailer()
        is_tagged = mailer is not None and mailer.replies is not None
        if mailer is not None:
            mailer.reply_address(mail_id=10**9)  # a MAIL_REPLIES that is too long is found here
        account = await self._outside.mailbox()
        if account is None:
            if is_tagged:
                raise MailSetupWrong(
                    "MAIL_REPLIES is set, and nobody reads it. Set IMAP_HOST and the settings with it."
                )
            return "not set: replies go to the owner's own mailbox"
        tagged = "" if is_tagged else "; set MAIL_REPLIES, so that replies go there"
        idle = "the server says at once what arrives" if account.has_idle else "looked at once a minute (no IDLE)"
        return f"the mailbox can be read; {idle}{tagged}"

    async def _webhooks_reached(self) -> str:
        found = await self._outside.webhooks()
        if problems := [f"{host}: {problem}" for host, problem in found.items() if problem]:
            raise BotError(" ".join(problems))
        names = ", ".join(found)
        return f"{names} can be reached; `evaluator-bot webhook ping` sends something" if names else "not set"

    async def _templates(self) -> str:
        if problems := self._outside.problems():
            raise MailError(" ".join(problems))
        return "all can be read"

    async def _rules(self) -> str:
        self._outside.rules()
        return "all can be read"


async def _refused_reports(marketplace: Marketplace) -> list[str]:
    """Return the reports beside licenses that the account may not read. The bot works without them."""
    today, refused = datetime.now(UTC).date(), list[str]()
    for name, read in (("reasons for leaving", marketplace.feedback), ("quotes", marketplace.quotes)):
        try:
            await read(today, today)
        except (PermissionMissing, NotFound):
            refused.append(name)
    return refused

"""Look at everything the bot depends on, and say of each what is wrong and what to do."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import BotError, MailError, MailSetupWrong, SlackRefused
from bot.marketplace.client import Marketplace
from bot.services.actors import NOBODY
from bot.services.post import Post
from bot.slack.directory import Directory
from bot.slack.poster import Poster, translated

SCOPES: Final = frozenset(
    {
        "chat:write",
        "commands",
        "users:read",
        "users:read.email",
        "usergroups:read",
        "channels:read",
        "channels:history",
        "groups:read",
        "groups:history",
    }
)
"""What the bot asks of Slack; `manifest.yml` gives the reason for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at; `says` is what was found, or what is wrong with what to do about it."""

    what: str
    good: bool
    says: str


Look = Callable[[], Awaitable[str]]


class Checkup:
    """The things the bot depends on, each reached for real."""

    def __init__(
        self,
        *,
        client: AsyncWebClient,
        marketplace: Marketplace,
        post: Post | None,
        channel: str,
        admins: Sequence[str],
        actors: Sequence[str],
        app_token: str | None,
        template_problems: Sequence[str],
    ) -> None:
        self._client = client
        self._poster = Poster(client)
        self._marketplace = marketplace
        self._post = post
        self._channel = channel
        self._admins = admins
        self._actors = actors
        self._directory = Directory(client)
        self._app_token = app_token
        self._template_problems = template_problems

    async def findings(self) -> AsyncIterator[Finding]:
        """One finding after the other, as they come."""
        looks: Sequence[tuple[str, Look]] = (
            ("Slack bot token", self._bot_token),
            ("Slack scopes", self._scopes),
            ("Slack channel", self._channel_joined),
            ("Slack admins", self._admins_known),
            ("Slack actors", self._actors_known),
            ("Slack app token", self._socket),
            ("Marketplace", self._report),
            ("Mail server", self._mail),
            ("Mail templates", self._templates),
            ("Mail signature (DKIM)", self._dkim),
            ("Unsubscribe links", self._links),
        )
        for what, look in looks:
            try:
                yield Finding(what=what, good=True, says=await look())
            except BotError as exc:
                yield Finding(what=what, good=False, says=str(exc))

    async def _bot_token(self) -> str:
        identity = await self._poster.identity()
        return f"works in workspace {identity.team}"

    async def _scopes(self) -> str:
        try:
            answer = await self._client.auth_test()
        except SlackApiError as exc:
            raise translated(exc) from exc
        granted = {scope.strip() for scope in answer.headers.get("x-oauth-scopes", "").split(",")} - {""}
        if missing := SCOPES - granted:
            names = ", ".join(sorted(missing))
            raise BotError(f"Missing: {names}. Bring the app up to date with manifest.yml and install it again.")
        return "all there"

    async def _channel_joined(self) -> str:
        return f"#{await self._poster.channel_name(self._channel)}"

    async def _admins_known(self) -> str:
        return await self._known(self._admins) or "not set: the channel hears of trouble"

    async def _actors_known(self) -> str:
        return await self._known(self._actors) or "not set: every full member may mail and lift do-not-contact"

    async def _known(self, ids: Sequence[str]) -> str:
        """The names behind ids of people and groups; BotError names those that nobody is behind."""
        names, unknown = [], []
        for each in ids:
            try:
                is_group = each.startswith("S")
                names.append(
                    f"{len(await self._directory.group(each))} of group {each}"
                    if is_group
                    else (await self._directory.account(each)).name
                )
            except SlackRefused as exc:
                if exc.code not in NOBODY:
                    raise
                unknown.append(each)
        if unknown:
            raise BotError(f"Slack knows nobody as {', '.join(unknown)}. Copy the ids anew from their profiles.")
        return ", ".join(names)

    async def _socket(self) -> str:
        if self._app_token is None:
            return "not set: Slack sends signed requests to /slack/events instead"
        try:
            await self._client.apps_connections_open(app_token=self._app_token)
        except SlackApiError as exc:
            raise BotError(
                "Slack refused SLACK_APP_TOKEN. Make a new app-level token with connections:write and restart."
            ) from exc
        return "works"

    async def _report(self) -> str:
        return f"report of developer space {await self._marketplace.check()}"

    async def _mail(self) -> str:
        if self._post is None:
            return "not set up: set SMTP_HOST, MAIL_FROM and MAIL_POSTAL_ADDRESS to send mail"
        # A wrong MAIL_FROM is found here, not by the first person who presses Send.
        _ = self._post.sender.address, self._post.sender.answers_to, self._post.sender.privacy_page
        _ = self._post.envelope(mail_id=10**9)
        await self._post.smtp.check()
        return "works"

    async def _dkim(self) -> str:
        if self._post is None or (signer := self._post.signer) is None:
            return "not set: leave it so where your mail server signs, else set DKIM_DOMAIN, DKIM_SELECTOR, DKIM_KEY"
        domain = self._post.sender.address.domain
        if not signer.vouches_for(domain):
            raise MailSetupWrong(
                f"MAIL_FROM is an address of {domain}, for which a signature of another domain does not count. Set "
                f"DKIM_DOMAIN to {domain} and DKIM_SELECTOR to a record there."
            )
        return f"signs; the DNS should have the TXT record {signer.record_name} with {signer.record}"

    async def _links(self) -> str:
        if self._post is None or self._post.links is None:
            return "not set: mails ask for an answer instead; set PUBLIC_URL for a link"
        return "in every mail; see that PUBLIC_URL reaches this bot from outside"

    async def _templates(self) -> str:
        if self._template_problems:
            raise MailError(" ".join(self._template_problems))
        return "all can be read"

"""The Bolt app, configured for the bot."""

from typing import Final

from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.log.setup import slack_logger
from bot.metrics.catalog import PRESS_SECONDS
from bot.metrics.labels import PressKind
from bot.metrics.meter import OFF, Meter
from bot.services.slack_identity import BotIdentity

_KINDS: Final = {
    "block_actions": PressKind.ACTION,
    "view_submission": PressKind.VIEW,
    "shortcut": PressKind.SHORTCUT,
    "message_action": PressKind.SHORTCUT,
    "event_callback": PressKind.EVENT,
}


class TimedApp(AsyncApp):
    """A Bolt app that observes how long it takes until a press is acknowledged, whichever way it arrives."""

    meter: Meter = OFF

    async def async_dispatch(self, req: AsyncBoltRequest) -> BoltResponse:
        """Dispatch a request as Bolt does, up to its acknowledgement."""
        kind = PressKind.COMMAND if "command" in req.body else _KINDS.get(str(req.body.get("type")))
        if kind is None:
            return await super().async_dispatch(req)
        with self.meter.time(PRESS_SECONDS, kind):
            return await super().async_dispatch(req)


def create_bolt_app(client: AsyncWebClient, identity: BotIdentity, *, signing_secret: SecretStr | None) -> TimedApp:
    """Return an app that handles an interaction without a call to Slack; Bolt's default is an `auth.test`."""

    async def authorize(enterprise_id: str | None, team_id: str | None, user_id: str | None) -> AuthorizeResult:
        known = identity.known
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_id=known.bot if known else None,
            bot_user_id=known.user if known else None,
            bot_token=client.token,
            user_id=user_id,
        )

    # Bolt takes the token from `authorize`, and logs a warning about a token here.
    nameless = AsyncWebClient(
        base_url=client.base_url, session=client.session, ssl=client.ssl, retry_handlers=[], logger=slack_logger()
    )
    nameless.proxy = client.proxy
    return TimedApp(
        name="evaluator-bot",  # by default Bolt reads the sources of the whole call stack for a name
        client=nameless,
        authorize=authorize,
        signing_secret=signing_secret.get_secret_value() if signing_secret else None,
        logger=slack_logger(),
    )

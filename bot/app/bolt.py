"""The Bolt app, configured for the bot."""

from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.log.setup import slack_logger
from bot.services.slack_identity import BotIdentity


def create_bolt_app(client: AsyncWebClient, identity: BotIdentity, *, signing_secret: SecretStr | None) -> AsyncApp:
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
    return AsyncApp(
        name="evaluator-bot",  # by default Bolt reads the sources of the whole call stack for a name
        client=nameless,
        authorize=authorize,
        signing_secret=signing_secret.get_secret_value() if signing_secret else None,
        logger=slack_logger(),
    )

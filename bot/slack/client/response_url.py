"""Answer through the response URL of an interaction.

docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from slack_sdk.webhook.webhook_response import WebhookResponse

from bot.slack.blocks import Message
from bot.slack.client.chart_fallback import error_code, simpler_version


async def respond(client: AsyncWebClient, url: str, message: Message, *, replaces: bool) -> WebhookResponse:
    """Send a message that one person sees, or replace the one whose button they pressed. Uses the session of `client`,
    which limits how much of a response is read; Bolt's own `respond` opens a new one for each answer.

    If its blocks are refused, it is sent once more without charts and tables. Raises aiohttp.ClientError, and
    ValueError for a response that is too long or no text.
    """
    webhook = AsyncWebhookClient(url, session=client.session, proxy=client.proxy, ssl=client.ssl)

    async def send(version: Message) -> WebhookResponse:
        return await webhook.send(
            text=version.text, blocks=version.blocks, response_type="ephemeral", replace_original=replaces
        )

    answer = await send(message)
    simpler = simpler_version(message, error_code(answer.body))
    return answer if simpler is None else await send(simpler)

"""`evaluator-bot check`: a line for each thing that the bot depends on."""

import asyncio
from functools import partial

import typer

from bot.app import marketplace_of, slack_client, utc_now
from bot.config import Settings
from bot.errors import BotError
from bot.mail.countries import load_countries
from bot.mail.template import load_templates
from bot.mailroom import signer, unsigned_post_office
from bot.printout import conditioned
from bot.services.checkup import LIMIT_S, Checkup, Outside, SlackSetup
from bot.services.health import Health
from bot.slack.directory import Directory
from bot.slack.poster import Poster
from bot.store import Store, open_store


async def check_setup(settings: Settings, *, limit: float = LIMIT_S) -> bool:
    """Print a line for each thing, whatever is wrong with those before; whether all is well.

    Each takes at most `limit` seconds.
    """
    typer.echo("✓ Settings: complete")
    app_token = settings.slack_app_token
    setup = SlackSetup(
        channel=settings.slack_channel,
        admins=settings.slack_admins,
        actors=settings.slack_actors,
        app_token=app_token.get_secret_value() if app_token else None,
    )
    outside = Outside(
        store=open_store(settings.database_url, secret_keys=settings.secret_key),
        marketplace=partial(marketplace_of, settings),
        post=partial(unsigned_post_office, settings),
        signer=partial(signer, settings),
        problems=lambda: load_templates(settings.mail_templates).problems,
        rules=partial(load_countries, settings.mail_countries),
    )
    wrong = 0
    async with slack_client(settings) as client:
        checkup = Checkup(Poster(client), Directory(client), outside, slack=setup, limit=limit)
        async with checkup:
            async for finding in checkup.findings():
                typer.echo(f"{'✓' if finding.good else '✗'} {finding.what}: {finding.says}")
                wrong += not finding.good
            if checkup.store is not None:
                wrong += not await _report(checkup.store, settings, limit=limit)
    return wrong == 0


async def _report(store: Store, settings: Settings, *, limit: float) -> bool:
    """Print how reading the report goes; whether the database could say it."""
    try:
        async with asyncio.timeout(limit):
            condition = await Health(store, poll_every=settings.poll_every, clock=utc_now).condition()
    except BotError as exc:
        typer.echo(f"✗ Report: {exc}")
        return False
    except TimeoutError:
        typer.echo(f"✗ Report: No answer of the database within {limit:g} s. Try again later.")
        return False
    for line in conditioned(condition):
        typer.echo(line)
    return True

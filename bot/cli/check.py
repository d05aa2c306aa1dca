"""`evaluator-bot check`: print a line for each thing that the bot depends on."""

import asyncio
from collections.abc import Sequence
from functools import partial

import typer
from dns.asyncresolver import Resolver

from bot.app.clock import utc_now
from bot.app.components import build_marketplace, open_slack_client, scopes_needed
from bot.app.inbound import check_signals
from bot.app.mail import build_mailer, build_unsigned_mailer, signer
from bot.app.replies import build_inbox
from bot.app.webhooks import try_addresses
from bot.cli.output import format_health
from bot.cli.runner import ENV_FILE
from bot.concurrency.own_thread import OwnThread
from bot.config.loader import DEFAULT_FILE
from bot.config.settings import Settings
from bot.errors import BotError
from bot.mail.country_rules import load_countries
from bot.mail.inbound.imap import ImapMailbox, OpenFolder
from bot.mail.outbound.sender_dns import is_public, system_resolver, txt_records
from bot.mail.templating.template import load_templates
from bot.services.operations.health import Health
from bot.services.operations.local_checks import file_permissions, secrets_in_the_clear
from bot.services.operations.reply_check import send_to_mailbox
from bot.services.operations.setup_check import LIMIT_S, MAIL_SETTINGS, CheckResult, Outside, SetupCheck, SlackSetup
from bot.slack.client.users import SlackUsers
from bot.slack.client.web_client import SlackClient
from bot.store import Store, files_of, open_store


async def check_setup(
    settings: Settings, *, limit: float = LIMIT_S, resolver: Resolver | None = None, send: bool = False
) -> bool:
    """Print a line for each check, even after one fails. Return whether all passed.

    If it is to `send`, an email goes to the mailbox for replies, and has to arrive there.

    Each check takes at most `limit` seconds. The DNS is that of this machine, and asked only about public domains,
    unless there is a `resolver`.
    """
    typer.echo("✓ Settings: complete")
    app_token = settings.slack_app_token
    setup = SlackSetup(
        channel=settings.slack_channel,
        admins=settings.slack_admins,
        permissions=settings.slack_actors,
        app_token=app_token.get_secret_value() if app_token else None,
    )
    outside = Outside(
        store=open_store(settings.database_url, secret_keys=settings.secret_key),
        marketplace=partial(build_marketplace, settings),
        mailer=partial(build_unsigned_mailer, settings),
        missing=[name.upper() for name in MAIL_SETTINGS if getattr(settings, name) is None],
        signer=partial(signer, settings),
        problems=lambda: load_templates(settings.mail_templates).problems,
        rules=partial(load_countries, settings.mail_countries),
        txt=partial(_txt, resolver),
        mailbox=partial(_open_mailbox, settings),
        webhooks=partial(try_addresses, settings),
        signals=partial(check_signals, settings),
    )
    wrong = sum(_shown(finding) for finding in _local_findings(settings))
    async with open_slack_client(settings) as client:
        checkup = SetupCheck(
            SlackClient(client, proxy_for=settings.network.proxy_for, scopes=scopes_needed(settings)),
            SlackUsers(client),
            outside,
            setup=setup,
            limit=limit,
        )
        async with checkup:
            async for finding in checkup.run():
                wrong += _shown(finding)
            if send:
                wrong += _shown(await _reply_arrives(settings))
            if checkup.store is not None:
                wrong += not await _report(checkup.store, settings, limit=limit)
    return wrong == 0


async def _open_mailbox(settings: Settings) -> OpenFolder | None:
    """Open the mailbox for replies and close it again. Return None if there is none."""
    inbox = build_inbox(settings)
    if inbox is None:
        return None
    mailbox = ImapMailbox(inbox.account)
    thread = OwnThread("mailbox", interrupt=mailbox.interrupt)
    try:
        secret = await inbox.secret()
        return await thread.run(lambda: mailbox.open(secret))
    finally:
        await thread.end(mailbox.close)


async def _reply_arrives(settings: Settings) -> CheckResult:
    """Return whether an email to the address for replies arrives in the mailbox."""
    name = "Mail replies arrive"
    try:
        mailer, inbox = build_mailer(settings), build_inbox(settings)
        if mailer is None or mailer.replies is None or inbox is None:
            return CheckResult(name=name, is_ok=True, message="not tried: set MAIL_REPLIES and IMAP_HOST first")
        message = await send_to_mailbox(mailer, inbox.account, await inbox.secret())
    except BotError as exc:
        return CheckResult(name=name, is_ok=False, message=str(exc))
    return CheckResult(name=name, is_ok=True, message=message)


async def _txt(resolver: Resolver | None, name: str) -> Sequence[str] | None:
    if resolver is None and not is_public(name):
        return None
    return await txt_records(resolver or system_resolver(), name)


async def _report(store: Store, settings: Settings, *, limit: float) -> bool:
    """Print the state of the report polls. Return whether the database answered."""
    try:
        async with asyncio.timeout(limit):
            condition = await Health(store, poll_every=settings.poll_every, clock=utc_now).report()
    except BotError as exc:
        typer.echo(f"✗ Report: {exc}")
        return False
    except TimeoutError:
        typer.echo(f"✗ Report: No answer from the database within {limit:g} s. Try again later.")
        return False
    for line in format_health(condition):
        typer.echo(line)
    return True


def _local_findings(settings: Settings) -> list[CheckResult]:
    """Return the findings that need no server."""
    files = [ENV_FILE.get() or DEFAULT_FILE, *files_of(settings.database_url)]
    return [
        file_permissions([*files, settings.dkim_key] if settings.dkim_key else files),
        secrets_in_the_clear(
            smtp_host=settings.smtp_host,
            smtp_tls=settings.smtp_tls,
            has_password=settings.smtp_password is not None,
            urls={
                "SLACK_API_URL": settings.slack_api_url,
                "MARKETPLACE_API_URL": settings.marketplace_api_url,
            },
        ),
    ]


def _shown(finding: CheckResult) -> bool:
    """Print a finding. Return whether it is a problem."""
    typer.echo(f"{'✓' if finding.is_ok else '✗'} {finding.name}: {finding.message}")
    return not finding.is_ok

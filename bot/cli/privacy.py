"""Commands about the data of people: erase and audit; what is held about a person."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bot.app.clock import utc_now
from bot.cli.arguments import ACTOR, EXIT_TRY_LATER, Address, read_address, store_of
from bot.cli.runner import with_database_settings
from bot.domain.text import counted

if TYPE_CHECKING:
    from bot.config.settings import DatabaseSettings

privacy = typer.Typer()


@privacy.command()
def erase(
    address: Address,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person, on cards too. A keyed hash keeps the address blocked."""
    with_database_settings(partial(_erase, address=read_address(address), sure=yes))


@privacy.command()
def audit() -> None:
    """Print what was done with people's data, and what was changed in the team's settings.

    Exports, erasures, imports and the end of retention are on record.
    """
    with_database_settings(_audit)


async def print_person(settings: DatabaseSettings, *, address: str) -> None:
    """Print everything held about an address, as JSON."""
    async with store_of(settings) as store:
        held = await store.personal_data.export(address, at=utc_now(), by=ACTOR)
    typer.echo(json.dumps(held, indent=2, ensure_ascii=False))


async def _erase(settings: DatabaseSettings, *, address: str, sure: bool) -> None:
    if not sure:
        typer.confirm("Permanently erase everything about this person?", abort=True)
    async with store_of(settings) as store:
        erased = await store.personal_data.erase(address, at=utc_now(), by=ACTOR)
        readers = [] if erased.is_wiped else store.database.readers()
    cards = f"{counted(erased.cards, 'card')} {'is' if erased.cards == 1 else 'are'} updated while the bot runs"
    found = f"{counted(erased.licenses, 'license')}, {counted(erased.mails, 'mail')}. {cards}. Nobody can write to this"
    if erased.is_wiped:
        typer.echo(f"Erased: {found} address from here any more.")
        return
    who = " and ".join(readers) or "another program"
    typer.echo(
        f"Not erased completely yet: {found} address from here any more. The old pages are still in the log of the "
        f"database file, because {who} is reading it. The bot takes them out as soon as it can, and so does the next "
        "command; `evaluator-bot check` shows whether they are gone."
    )
    raise typer.Exit(EXIT_TRY_LATER)


async def _audit(settings: DatabaseSettings) -> None:
    async with store_of(settings) as store:
        for each in await store.personal_data.audit_log():
            details = ", ".join(
                f"{name} {value:,}" if isinstance(value, int) else f"{name}: {value}"
                for name, value in each.details.items()
            )
            typer.echo(f"{each.at:%Y-%m-%d %H:%M} UTC  {each.actor}  {each.action}  {details}")

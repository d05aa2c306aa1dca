"""Commands about the data of people: erase and audit; what is held about a person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bot.app.clock import utc_now
from bot.cli.arguments import ACTOR, EXIT_TRY_LATER, read_address, store_of
from bot.cli.runner import with_database_settings
from bot.domain.text import counted

if TYPE_CHECKING:
    from bot.config.settings import DatabaseSettings
    from bot.store import Store
    from bot.store.privacy import ErasedAgain

_WIPE_TRIES: Final = 5
"""Each waits up to a second for others who read."""
_WIPE_PAUSE_S: Final = 0.2

privacy = typer.Typer()


@privacy.command()
def erase(
    address: Annotated[str | None, typer.Argument(help="An email address.", metavar="[ADDRESS]")] = None,
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Repeat every erasure on record, after a backup was restored.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person, on cards too. A keyed hash keeps the address blocked."""
    if (address is None) != again:
        raise typer.BadParameter("Name an address, or use --again alone.")
    if address is None:
        with_database_settings(_erase_again)
    else:
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
        is_wiped = erased.is_wiped or await _wipe_soon(store)
        readers = [] if is_wiped else store.database.readers()
    cards = f"{counted(erased.cards, 'card')} {'is' if erased.cards == 1 else 'are'} updated while the bot runs"
    found = f"{counted(erased.licenses, 'license')}, {counted(erased.mails, 'email')}"
    what = f"{found}. {cards}. Nobody can email this address from here any more."
    if is_wiped:
        typer.echo(f"Erased: {what}")
        return
    _explain_leftovers(what, readers)


async def _erase_again(settings: DatabaseSettings) -> None:
    async with store_of(settings) as store:
        found = await store.personal_data.erase_again(at=utc_now(), by=ACTOR)
        is_wiped = found.is_wiped or await _wipe_soon(store)
        readers = [] if is_wiped else store.database.readers()
    typer.echo(f"{counted(found.on_record, 'person', 'people')} on record as erased. {again_in_words(found)}")
    if not is_wiped:
        _explain_leftovers("", readers)


async def _wipe_soon(store: Store) -> bool:
    """Try a few more times to remove the old pages: a running bot reads them now and then, each time for a moment."""
    import asyncio

    for _ in range(_WIPE_TRIES):
        await asyncio.sleep(_WIPE_PAUSE_S)
        if await store.personal_data.wipe():
            return True
    return False


def again_in_words(found: ErasedAgain) -> str:
    """Return what a repeated erasure found, as a sentence."""
    if not found.people:
        return "Nothing about any of them was left to erase."
    what = f"{counted(found.licenses, 'license')}, {counted(found.mails, 'email')}"
    return f"Erased again: {counted(found.people, 'person', 'people')} ({what})."


def _explain_leftovers(what: str, readers: Sequence[str]) -> None:
    """Say what still reads the file, and exit with 75."""
    who = " and ".join(readers) or "another program"
    typer.echo(
        f"Not erased completely yet: {what} The old pages are still in the log of the "
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

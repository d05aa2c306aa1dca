"""Commands about do-not-contact entries."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bot.app.clock import utc_now
from bot.cli.arguments import ACTOR, Table, Target, read_file, read_target, store_of
from bot.cli.runner import with_database_settings
from bot.domain.dnc_reason import DncReason
from bot.domain.text import counted
from bot.errors import BotError

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config.settings import DatabaseSettings
    from bot.domain.dnc import DncTarget

_BY_HAND: Final = [reason for reason in DncReason if not reason.is_final]


def _read_reason(text: str) -> DncReason:
    """Return the reason of this name. Raises ValueError if it cannot be set by hand."""
    if text in set(_BY_HAND):
        return DncReason(text)
    if text in set(DncReason):
        raise ValueError(f"{text} cannot be set by hand. Use `evaluator-bot erase`.")
    raise ValueError(f"{text} is not one of {', '.join(_BY_HAND)}.")


dnc = typer.Typer(help="Do-not-contact: who must not be contacted.", no_args_is_help=True)


@dnc.command()
def add(
    target: Target,
    *,
    reason: Annotated[DncReason, typer.Option(parser=_read_reason, metavar="|".join(_BY_HAND), help="Why.")] = (
        DncReason.ASKED
    ),
    note: Annotated[str, typer.Option(help="Anything the team should know.")] = "",
) -> None:
    """Block an address, a domain or a customer site. Nobody can email it any more."""
    with_database_settings(partial(_add, target=read_target(target), reason=reason, note=note))


@dnc.command("list")
def list_() -> None:
    """List every active entry."""
    with_database_settings(_list)


@dnc.command()
def lift(
    target: Target,
    *,
    note: Annotated[
        str, typer.Option(prompt="Why can we contact them again", help="Where the consent is; it is kept on record.")
    ],
) -> None:
    """Remove the strongest block. What people said themselves needs their written consent."""
    with_database_settings(partial(_lift, target=read_target(target), note=note))


@dnc.command("import")
def import_(table: Table) -> None:
    """Block everything in a table. If a line is wrong, nothing is imported."""
    with_database_settings(partial(_import, table=table))


@dnc.command("export")
def export_marks() -> None:
    """Print every active entry as a CSV table."""
    with_database_settings(_export_marks)


async def _add(settings: DatabaseSettings, *, target: DncTarget, reason: DncReason, note: str) -> None:
    from bot.domain.dnc import DncEntry

    async with store_of(settings) as store:
        added = await store.dnc.add(target, DncEntry(reason=reason, by=None, at=utc_now(), note=note))
    typer.echo("Blocked." if added.changed else f"Already blocked: {added.entry.reason.words}.")


async def _list(settings: DatabaseSettings) -> None:
    from bot.domain.dnc import count_by_reason

    async with store_of(settings) as store:
        entries = await store.dnc.list_active()
    for entry in entries:
        target = "(forgotten)" if entry.target is None else str(entry.target)
        note = f"  “{entry.note}”" if entry.note else ""
        typer.echo(f"{entry.at:%Y-%m-%d}  {entry.reason.value:<12}  {target}{note}")
    summary = (
        f"{counted(len(entries), 'entry', 'entries')}: {count_by_reason(entries)}." if entries else "Nobody is blocked."
    )
    typer.echo(summary, err=True)


async def _lift(settings: DatabaseSettings, *, target: DncTarget, note: str) -> None:
    from bot.domain.dnc import Authority, DncLift

    async with store_of(settings) as store:
        lifted = await store.dnc.lift(target, DncLift(authority=Authority.ADMIN, by=None, at=utc_now(), note=note))
    rest = f" Still blocked: {lifted.remaining.reason.words}." if lifted.remaining else ""
    if not lifted.changed:
        raise BotError(f"Nothing was changed.{rest or ' It is not blocked itself; its domain or site may be.'}")
    typer.echo(f"Unblocked.{rest}")


async def _import(settings: DatabaseSettings, *, table: Path) -> None:
    from bot.exports.dnc_csv import read_csv

    try:
        text = read_file(table).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise BotError(f"{table.name} is not a text in UTF-8. Save it as CSV in UTF-8.") from exc
    now = utc_now()
    entries = read_csv(text, at=now, by=None)
    async with store_of(settings) as store:
        new = await store.dnc.add_all(entries)
        await store.personal_data.audit("dnc import", at=now, by=ACTOR, entries=len(entries), new=new)
    typer.echo(f"{counted(len(entries), 'line')} read, {new:,} new.")


async def _export_marks(settings: DatabaseSettings) -> None:
    from bot.exports.dnc_csv import fits, write_csv

    async with store_of(settings) as store:
        entries = await store.dnc.list_active()
        await store.personal_data.audit("dnc export", at=utc_now(), by=ACTOR, entries=len(entries))
    typer.echo(write_csv(entries), nl=False)
    if unfit := sum(
        entry.target is not None and entry.reason is not DncReason.PAUSED and not fits(entry) for entry in entries
    ):
        typer.echo(f"{counted(unfit, 'entry', 'entries')} left out: no email can be sent to such an address.", err=True)
    if hidden := sum(entry.target is None for entry in entries):
        typer.echo(f"{counted(hidden, 'entry', 'entries')} left out: only a hash of the address is kept.", err=True)

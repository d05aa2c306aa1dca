"""Commands about do-not-contact entries."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bot.app.clock import utc_now
from bot.cli.arguments import ACTOR, Table, Target, read_file, read_target, store_of
from bot.cli.runner import with_settings
from bot.domain.dnc import Authority, DncEntry, DncReason, DncTarget, count_by_reason
from bot.errors import BotError
from bot.exports.dnc_csv import fits, read_csv, write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config.settings import Settings

dnc = typer.Typer(help="Do-not-contact: who must not be contacted.", no_args_is_help=True)


@dnc.command()
def add(
    target: Target,
    *,
    reason: Annotated[DncReason, typer.Option(help="Why.")] = DncReason.ASKED,
    note: Annotated[str, typer.Option(help="Anything the team should know.")] = "",
) -> None:
    """Block an address, a whole domain or a customer site: nobody can email it any more."""
    if reason.is_final:
        raise typer.BadParameter(f"{reason} is nothing to set by hand; `evaluator-bot erase` does it.")
    with_settings(partial(_add, target=read_target(target), reason=reason, note=note))


@dnc.command("list")
def list_() -> None:
    """List every active entry."""
    with_settings(_list)


@dnc.command()
def lift(
    target: Target,
    *,
    note: Annotated[str, typer.Option(prompt="Why may we write again", help="For the record: where is the consent?")],
) -> None:
    """Lift the strongest entry, for the record. What people said themselves needs their written consent."""
    with_settings(partial(_lift, target=read_target(target), note=note))


@dnc.command("import")
def import_(table: Table) -> None:
    """Block everything a table lists, or nothing if a line of it is wrong."""
    with_settings(partial(_import, table=table))


@dnc.command("export")
def export_marks() -> None:
    """Print every active entry as a CSV table."""
    with_settings(_export_marks)


async def _add(settings: Settings, *, target: DncTarget, reason: DncReason, note: str) -> None:
    async with store_of(settings) as store:
        added = await store.dnc.add(target, DncEntry(reason=reason, by=None, at=utc_now(), note=note))
    typer.echo("Marked." if added.changed else f"It was marked already: {added.entry.reason.words}.")


async def _list(settings: Settings) -> None:
    async with store_of(settings) as store:
        entries = await store.dnc.list_active()
    for entry in entries:
        whom = "(forgotten)" if entry.target is None else str(entry.target)
        note = f"  “{entry.note}”" if entry.note else ""
        typer.echo(f"{entry.at:%Y-%m-%d}  {entry.reason.value:<12}  {whom}{note}")
    typer.echo(f"{len(entries):,} in all: {count_by_reason(entries)}.", err=True)


async def _lift(settings: Settings, *, target: DncTarget, note: str) -> None:
    async with store_of(settings) as store:
        lifted = await store.dnc.lift(target, Authority.ADMIN, note=note, by=None, at=utc_now())
    rest = f" What stands: {lifted.remaining.reason.words}." if lifted.remaining else ""
    if not lifted.changed:
        raise BotError(f"Nothing was lifted.{rest or ' No mark stands against it; a domain or site may be marked.'}")
    typer.echo(f"Lifted.{rest}")


async def _import(settings: Settings, *, table: Path) -> None:
    try:
        text = read_file(table).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise BotError(f"{table.name} is not a text in UTF-8. Save it as CSV in UTF-8.") from exc
    now = utc_now()
    entries = read_csv(text, at=now, by=None)
    async with store_of(settings) as store:
        new = await store.dnc.add_all(entries)
        await store.personal_data.audit("dnc import", at=now, by=ACTOR, entries=len(entries), new=new)
    typer.echo(f"{len(entries):,} read, {new:,} of them new.")


async def _export_marks(settings: Settings) -> None:
    async with store_of(settings) as store:
        entries = await store.dnc.list_active()
        await store.personal_data.audit("dnc export", at=utc_now(), by=ACTOR, entries=len(entries))
    typer.echo(write_csv(entries), nl=False)
    if unfit := sum(
        entry.target is not None and entry.reason is not DncReason.PAUSED and not fits(entry) for entry in entries
    ):
        stand = "stands" if unfit == 1 else "stand"
        typer.echo(f"{unfit:,} more {stand} against what is not an address: no email can be sent to it.", err=True)
    if hidden := sum(entry.target is None for entry in entries):
        stand = "stands" if hidden == 1 else "stand"
        typer.echo(f"{hidden:,} more {stand} against people who were forgotten: nothing is known of them.", err=True)

"""Commands about people: do-not-contact, export, erase, audit, bounces."""

import json
import sys
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer

from bot.app.components import utc_now
from bot.app.mail import build_bounce_handler
from bot.cli.runner import with_settings
from bot.config.settings import Settings
from bot.domain.address import canonical
from bot.domain.dnc import Authority, DncEntry, DncReason, DncScope, DncTarget, count_by_reason
from bot.errors import BotError, ReportPutOff
from bot.exports.dnc_csv import fits, read_csv, write_csv
from bot.store import Store, open_store

log = structlog.get_logger()

dnc = typer.Typer(help="Do-not-contact: who must not be contacted.", no_args_is_help=True)
people = typer.Typer()

_WHO: Final = "command line"
_TRY_LATER: Final = 75
_LARGEST: Final = 10_000_000
"""Bytes of a report or a table; a real one has some thousand."""
_PUT_OFF: Final = "The report was not taken in. The mail server should try again later."

Whom = Annotated[str, typer.Argument(help="ana@acme.example, @acme.example or acme.atlassian.net", metavar="SUBJECT")]
Address = Annotated[str, typer.Argument(help="An email address.", metavar="ADDRESS")]
Table = Annotated[Path, typer.Argument(help="A CSV file: subject, cause, note, at.", metavar="FILE")]


@dnc.command()
def add(
    target: Whom,
    *,
    reason: Annotated[DncReason, typer.Option(help="Why.")] = DncReason.ASKED,
    note: Annotated[str, typer.Option(help="Anything the team should know.")] = "",
) -> None:
    """Block an address, a whole domain or a customer site: nobody can email it any more."""
    if reason.is_final:
        raise typer.BadParameter(f"{reason} is nothing to set by hand; `evaluator-bot erase` does it.")
    with_settings(partial(_add, target=_target(target), reason=reason, note=note))


@dnc.command("list")
def list_() -> None:
    """List every active entry."""
    with_settings(_list)


@dnc.command()
def lift(
    target: Whom,
    *,
    note: Annotated[str, typer.Option(prompt="Why may we write again", help="For the record: where is the consent?")],
) -> None:
    """Lift the strongest entry, for the record. What people said themselves needs their written consent."""
    with_settings(partial(_lift, target=_target(target), note=note))


@dnc.command("import")
def import_(table: Table) -> None:
    """Block everything a table lists, or nothing if a line of it is wrong."""
    with_settings(partial(_import, table=table))


@dnc.command("export")
def export_marks() -> None:
    """Print every active entry as a CSV table."""
    with_settings(_export_marks)


@people.command()
def export(address: Address) -> None:
    """Print everything held about an address, as JSON."""
    with_settings(partial(_export, address=_address(address)))


@people.command()
def erase(
    address: Address,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase a person: everything held is overwritten, on cards too. A keyed hash keeps the address blocked."""
    with_settings(partial(_erase, address=_address(address), sure=yes))


@people.command()
def audit() -> None:
    """Print what was done with people's data: exports, erasures, imports, the end of retention."""
    with_settings(_audit)


@people.command()
def bounce(
    reports: Annotated[
        list[Path] | None, typer.Argument(help="Messages as files; without any, one from standard input.")
    ] = None,
) -> None:
    """Process a bounce or complaint that a mail pipe delivers: `evaluator-bot bounce < message.eml`.

    From standard input, exit with 0, or with 75 on any error, so that the mail server tries again.
    """
    if reports:
        with_settings(partial(_bounce, contents=[_content(path) for path in reports]))
        return
    if sys.stdin is None:
        raise typer.BadParameter("Standard input is closed. Name a file, or pipe a message in.")
    content = sys.stdin.buffer.read(_LARGEST)
    try:
        with_settings(partial(_bounce, contents=[content]))
    except BotError as exc:
        # A mail server that gets any error except "try later" drops the report for good, since it has no sender.
        raise ReportPutOff(f"{exc}\n{_PUT_OFF}") from exc
    except Exception as exc:
        log.exception("bounce_broke")
        raise ReportPutOff(f"An error that nobody foresaw; the log says more.\n{_PUT_OFF}") from exc


async def _add(settings: Settings, *, target: DncTarget, reason: DncReason, note: str) -> None:
    async with _store(settings) as store:
        added = await store.dnc.add(target, DncEntry(reason=reason, by=None, at=utc_now(), note=note))
    typer.echo("Marked." if added.changed else f"It was marked already: {added.entry.reason.words}.")


async def _list(settings: Settings) -> None:
    async with _store(settings) as store:
        entries = await store.dnc.list_active()
    for entry in entries:
        whom = "(forgotten)" if entry.target is None else str(entry.target)
        note = f"  “{entry.note}”" if entry.note else ""
        typer.echo(f"{entry.at:%Y-%m-%d}  {entry.reason.value:<12}  {whom}{note}")
    typer.echo(f"{len(entries):,} in all: {count_by_reason(entries)}.", err=True)


async def _lift(settings: Settings, *, target: DncTarget, note: str) -> None:
    async with _store(settings) as store:
        lifted = await store.dnc.lift(target, Authority.ADMIN, note=note, by=None, at=utc_now())
    rest = f" What stands: {lifted.remaining.reason.words}." if lifted.remaining else ""
    if not lifted.changed:
        raise BotError(f"Nothing was lifted.{rest or ' No mark stands against it; a domain or site may be marked.'}")
    typer.echo(f"Lifted.{rest}")


async def _import(settings: Settings, *, table: Path) -> None:
    try:
        text = _content(table).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise BotError(f"{table.name} is not a text in UTF-8. Save it as CSV in UTF-8.") from exc
    now = utc_now()
    entries = read_csv(text, at=now, by=None)
    async with _store(settings) as store:
        new = await store.dnc.add_all(entries)
        await store.personal_data.audit("dnc import", at=now, by=_WHO, entries=len(entries), new=new)
    typer.echo(f"{len(entries):,} read, {new:,} of them new.")


async def _export_marks(settings: Settings) -> None:
    async with _store(settings) as store:
        entries = await store.dnc.list_active()
        await store.personal_data.audit("dnc export", at=utc_now(), by=_WHO, entries=len(entries))
    typer.echo(write_csv(entries), nl=False)
    if unfit := sum(
        entry.target is not None and entry.reason is not DncReason.PAUSED and not fits(entry) for entry in entries
    ):
        stand = "stands" if unfit == 1 else "stand"
        typer.echo(f"{unfit:,} more {stand} against what is not an address: no email can be sent to it.", err=True)
    if hidden := sum(entry.target is None for entry in entries):
        stand = "stands" if hidden == 1 else "stand"
        typer.echo(f"{hidden:,} more {stand} against people who were forgotten: nothing is known of them.", err=True)


async def _export(settings: Settings, *, address: str) -> None:
    async with _store(settings) as store:
        held = await store.personal_data.export(address, at=utc_now(), by=_WHO)
    typer.echo(json.dumps(held, indent=2, ensure_ascii=False))


async def _erase(settings: Settings, *, address: str, sure: bool) -> None:
    if not sure:
        typer.confirm("Everything of this person goes, for good. Erase?", abort=True)
    async with _store(settings) as store:
        erased = await store.personal_data.erase(address, at=utc_now(), by=_WHO)
        readers = [] if erased.is_wiped else store.database.readers()
    cards = f"{_count(erased.cards, 'card')} {'is' if erased.cards == 1 else 'are'} painted anew while the bot runs"
    found = f"{_count(erased.licenses, 'license')}, {_count(erased.mails, 'mail')}. {cards}. Nobody can write to this"
    if erased.is_wiped:
        typer.echo(f"Erased: {found} address from here any more.")
        return
    who = " and ".join(readers) or "another program"
    typer.echo(
        f"Not erased completely yet: {found} address from here any more. The old pages are still in the log of the "
        f"database file, because {who} is reading it. The bot takes them out as soon as it can, and so does the next "
        "command; `evaluator-bot check` shows whether they are gone."
    )
    raise typer.Exit(_TRY_LATER)


async def _audit(settings: Settings) -> None:
    async with _store(settings) as store:
        for each in await store.personal_data.audit_log():
            counts = ", ".join(f"{name} {count:,}" for name, count in each.details.items())
            typer.echo(f"{each.at:%Y-%m-%d %H:%M} UTC  {each.actor}  {each.action}  {counts}")


async def _bounce(settings: Settings, *, contents: list[bytes]) -> None:
    async with open_store(settings.database_url, secret_keys=settings.secret_key, create=False) as store:
        for content in contents:
            typer.echo(await build_bounce_handler(settings, store, clock=utc_now).handle(content))


def _store(settings: Settings) -> AbstractAsyncContextManager[Store]:
    return open_store(settings.database_url, secret_keys=settings.secret_key)


def _target(text: str) -> DncTarget:
    found = DncTarget.read(text)
    if found is None:
        raise typer.BadParameter(
            "Write ana@acme.example, @acme.example for a domain, or acme.atlassian.net for a site."
        )
    return found


def _address(text: str) -> str:
    """Return the address that the text names. An address that no email can reach is accepted, since the report may
    contain it.
    """
    found = DncTarget.read(text)
    address = found.value if found is not None and found.scope is DncScope.ADDRESS else canonical(text)
    if not all(address.rpartition("@")):
        raise typer.BadParameter("This is not an email address.")
    return address


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as exc:
        raise BotError(f"{path} cannot be read ({exc.strerror}).") from exc


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

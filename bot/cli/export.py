"""Write evaluations, emails or history for other programs, or what is held about a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import typer

from bot.app.clock import utc_now
from bot.cli.arguments import ACTOR, read_address, read_day, store_of, unknown_app
from bot.cli.privacy import print_person
from bot.cli.private_file import STANDARD_OUTPUT, opened
from bot.cli.runner import with_database_settings, with_export_settings
from bot.domain.export_choices import ExportKind, ExportScope, RecordFormat
from bot.domain.text import counted

if TYPE_CHECKING:
    from bot.config.settings import ExportSettings
    from bot.domain.mail_policy import MailRules
    from bot.store import Store

export = typer.Typer()

_BOM: Final = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """The table that was asked for, and how it is written."""

    kind: ExportKind
    format: RecordFormat
    since: date | None
    app: str | None
    contacts: bool
    bom: bool


@export.command("export")
def export_data(  # noqa: PLR0913  the options of the command
    what: Annotated[
        str, typer.Argument(help="evaluations, emails or history; or an email address.", metavar="TABLE|ADDRESS")
    ],
    *,
    since: Annotated[
        date | None,
        typer.Option(parser=read_day, metavar="YYYY-MM-DD", help="Trials that started, or what happened, since a day."),
    ] = None,
    app: Annotated[
        str | None, typer.Option(help="Only the app with this key, or with these words in its name.")
    ] = None,
    format_: Annotated[RecordFormat | None, typer.Option("--format", help="csv (the default) or jsonl.")] = None,
    contacts: Annotated[
        bool, typer.Option("--contacts", help="Add the contact, unless they said no. It is put on record.")
    ] = False,
    bom: Annotated[bool, typer.Option("--bom", help="Begin with a byte order mark, for Excel.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file that does not exist yet; - is standard output.")
    ] = None,
) -> None:
    """Write a table of evaluations, emails or history for other programs.

    With an address: print everything held about it, as JSON.
    """
    if bom and format_ is RecordFormat.JSONL:
        raise typer.BadParameter("--bom is for csv: nothing may stand before JSON.")
    if what in set(ExportKind):
        wanted = _Wanted(
            kind=ExportKind(what),
            format=format_ or RecordFormat.CSV,
            since=since,
            app=app,
            contacts=contacts,
            bom=bom,
        )
        with_export_settings(partial(_export, wanted=wanted, target=output or STANDARD_OUTPUT))
        return
    if any(given not in {None, False} for given in (since, app, format_, contacts, bom, output)):
        raise typer.BadParameter(f"The options are for {', '.join(ExportKind)}. An address takes none.")
    with_database_settings(partial(print_person, address=_read_person(what)))


def _read_person(text: str) -> str:
    try:
        return read_address(text)
    except typer.BadParameter:
        raise typer.BadParameter(f"This is not an email address. Tables are {', '.join(ExportKind)}.") from None


async def _export(settings: ExportSettings, *, wanted: _Wanted, target: Path) -> None:
    from bot.domain.mail_policy import MailRules
    from bot.mail.country_rules import load_countries

    rules = MailRules(countries=load_countries(settings.mail_countries))
    with opened(target) as file:
        async with store_of(settings) as store:
            rows, people = await _write(store, file, wanted, rules)
    with_contacts = f", {people:,} with a contact" if wanted.contacts else ""
    typer.echo(f"{counted(rows, 'row')}{with_contacts}.", err=True)


async def _write(store: Store, file: BinaryIO, wanted: _Wanted, rules: MailRules) -> tuple[int, int]:
    """Write the table page by page. Return how many rows it has, and how many of them have a contact."""
    from bot.exports.records import write_head, write_records

    scope = await _scope(store, wanted)
    head = write_head(wanted.kind, wanted.format, contacts=wanted.contacts)
    file.write(f"{_BOM if wanted.bom else ''}{head}".encode())
    after: int | None = 0
    audit_id: int | None = None
    rows = people = 0
    while after is not None:
        page = await store.exports.page(wanted.kind, scope, rules, after=after)
        rows += len(page.records)
        people += sum(record.contact is not None for record in page.records)
        if wanted.contacts:
            audit_id = await _put_on_record(store, wanted.kind, audit_id, rows=rows, contacts=people)
        file.write(write_records(page.records, wanted.format, contacts=wanted.contacts).encode())
        after = page.next_after
    file.flush()
    return rows, people


async def _put_on_record(store: Store, kind: ExportKind, audit_id: int | None, *, rows: int, contacts: int) -> int:
    """Put contacts on record before they leave, as a process may be killed at any moment. Return the entry's id."""
    if audit_id is None:
        return await store.personal_data.audit(f"export {kind}", at=utc_now(), by=ACTOR, rows=rows, contacts=contacts)
    await store.personal_data.recount(audit_id, rows=rows, contacts=contacts)
    return audit_id


async def _scope(store: Store, wanted: _Wanted) -> ExportScope:
    from bot.domain.search_terms import find_apps

    if wanted.app is None:
        return ExportScope(since=wanted.since)
    names = await store.lists.apps()
    keys = find_apps(wanted.app, names)
    if not keys:
        raise unknown_app(sorted(names.values()))
    return ExportScope(since=wanted.since, app_keys=keys)

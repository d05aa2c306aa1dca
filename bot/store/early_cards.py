"""Early cards: an evaluation whose license the report has not named. When it does, the same card becomes the full one.

Until then, the evaluation belongs to a license that only stands in for the real one. When that comes, the two are
merged like any two records of one license, so that the card, its thread, its owner and its history stay.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Row, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.app_signal import NO_LICENSE_YET, AppSignal, EarlyEnd, EarlyInstall, SignalOutcome, may_start
from bot.domain.changes import Started
from bot.domain.evaluation import Hosting, License, State, Trial
from bot.domain.history import Entry, LicenseFollowed
from bot.domain.license_update import LicenseUpdate
from bot.security.keyring import Keyring
from bot.store.columns import without_index
from bot.store.licenses.merge import merge_licenses
from bot.store.mapping import history_values, insert_row, license_values, live_evaluation, report_values, trial_values
from bot.store.outbox.enqueue import append_history, enqueue_card_update
from bot.store.schema import evaluation, history, license_, license_alias
from bot.store.signal_tables import WAITS_FOR_LICENSE, app_signal, signal_from
from bot.store.team import load_team_settings

_WAITS: Final = text(WAITS_FOR_LICENSE)
_LATEST: Final = timedelta(days=60)
"""How long after its start a trial may be new to the report and still be matched."""
_LONG_AGO: Final = date(1970, 1, 1)
"""The day of a record that is older than any that the report brings."""


async def open_early_card(
    connection: AsyncConnection, keyring: Keyring, signal: AppSignal, *, channel: str, at: datetime
) -> int:
    """Insert an evaluation for an installation, and enqueue its card. Return its id.

    The card goes to `channel` unless the team set another one for the app.
    """
    newest = select(license_.c.app_name).where(license_.c.app_key == signal.app_key).order_by(license_.c.id.desc())
    # The same for this signal in every database that was restored.
    day, alias = signal.at.date(), f"signal-{sha256(signal.key.encode()).hexdigest()[:16]}"
    stand_in = License(
        app_key=signal.app_key,
        app_name=await connection.scalar(newest.limit(1)) or signal.app_key,
        aliases=frozenset({alias}),
        hosting=Hosting.CLOUD,
        license_type="EVALUATION",
        status=NO_LICENSE_YET,
        starts=day,
        updated=_LONG_AGO,
        site=signal.site,
        cloud_id=signal.cloud_id,
    )
    license_id = await insert_row(connection, license_, {**license_values(stand_in, keyring), "first_seen": at})
    named = {"app_key": signal.app_key, "alias": alias, "license_id": license_id}
    await connection.execute(license_alias.insert().values(named))
    trial = Trial(started=day, ends=None, state=State.EXPECTED, reported_on=_LONG_AGO)
    values = {**trial_values(trial), **report_values(stand_in), "counted": False}
    channels = (await load_team_settings(connection)).card_channels(channel)
    row = {**values, "license_id": license_id, "first_seen": at, "channel": channels.of(signal.app_key)}
    evaluation_id = await insert_row(connection, evaluation, row)
    await enqueue_card_update(connection, [evaluation_id], at=at)
    return evaluation_id


async def early_install(connection: AsyncConnection, evaluation_id: int) -> EarlyInstall | None:
    """Return the installation that an early card shows."""
    its = (app_signal.c.evaluation_id == evaluation_id) & (app_signal.c.outcome == SignalOutcome.EARLY)
    row = (await connection.execute(select(app_signal).where(its))).first()
    if row is None:
        return None
    return EarlyInstall(signal=signal_from(row), end=None if row.early_end is None else EarlyEnd(row.early_end))


async def match_installations(
    connection: AsyncConnection, updates: Iterable[LicenseUpdate], keyring: Keyring, *, at: datetime
) -> list[int]:
    """Match waiting installations with the licenses of new trials, and turn their early cards into full ones.

    Return the evaluations of these cards.
    """
    new = [
        (each.seen, change.trial)
        for each in updates
        for change in each.changes
        if isinstance(change, Started) and change.trial.started >= at.date() - _LATEST
    ]
    if not new or await connection.scalar(select(app_signal.c.id).where(_WAITS).limit(1)) is None:
        return []
    waiting = await _waiting(connection, [seen for seen, _ in new])
    taken, done = list[int](), set[int]()
    for seen, trial in new:
        found = {row.id: row for name in _names(seen) for row in waiting[seen.app_key, name]}
        for row in sorted(found.values(), key=_early_first):
            if row.id not in done and _is_about(row, seen, trial):
                done.add(row.id)
                taken += await _take_over(connection, row, seen, trial, keyring, at=at)
    return taken


def _names(seen: License) -> list[str]:
    return [name for name in (seen.cloud_id, _host(seen), *seen.aliases) if name]


def _host(seen: License) -> str | None:
    return seen.site and seen.site.lower()


async def _waiting(connection: AsyncConnection, seen: Sequence[License]) -> Mapping[tuple[str, str], list[Row[Any]]]:
    """Return the installations without a license that these may belong to, by app and each name of their place."""
    apps = {each.app_key for each in seen}
    is_app = without_index(app_signal.c.app_key).in_(apps)
    ways = (
        is_app & app_signal.c.cloud_id.in_({each.cloud_id for each in seen} - {None}),
        is_app & app_signal.c.site.in_({_host(each) for each in seen} - {None}),
        app_signal.c.app_key.in_(apps) & (app_signal.c.aliases != ""),
    )
    found = defaultdict[tuple[str, str], list[Row[Any]]](list)
    for way in ways:
        for row in await connection.execute(select(app_signal).where(_WAITS, way)):
            for name in {*filter(None, (row.cloud_id, row.site)), *row.aliases.split()}:
                found[row.app_key, name].append(row)
    return found


def _early_first(row: Row[Any]) -> tuple[bool, int]:
    return row.outcome != SignalOutcome.EARLY, row.id


def _is_about(row: Row[Any], seen: License, trial: Trial) -> bool:
    if row.app_key != seen.app_key or not may_start(trial.started, row.at):
        return False
    if not seen.aliases.isdisjoint(row.aliases.split()):
        return True
    if row.cloud_id is not None and seen.cloud_id is not None:
        return bool(row.cloud_id == seen.cloud_id)
    return row.site is not None and seen.site is not None and bool(row.site == seen.site.lower())


async def _take_over(
    connection: AsyncConnection, row: Row[Any], seen: License, trial: Trial, keyring: Keyring, *, at: datetime
) -> list[int]:
    """Connect an installation with its trial. Return the evaluation of its early card, if it has one."""
    named = (license_alias.c.app_key == seen.app_key) & license_alias.c.alias.in_(seen.aliases)
    license_id = await connection.scalar(select(license_alias.c.license_id).where(named).limit(1))
    if license_id is None:
        return []
    early = None if row.evaluation_id is None else await live_evaluation(connection, row.evaluation_id)
    is_early = early is not None and early.state == State.EXPECTED
    if early is not None and is_early:
        same = {"started": trial.started, "upgrade_to": trial.upgrade_to or ""}
        await connection.execute(update(evaluation).where(evaluation.c.id == early.id).values(same))
        await merge_licenses(connection, license_id, [early.license_id], keyring, at=at)
        await connection.execute(
            update(evaluation).where(evaluation.c.license_id == license_id).values(report_values(seen))
        )
        await _tell_owner(connection, early, LicenseFollowed(installed_at=row.at), at=at)
        await enqueue_card_update(connection, [early.id], at=at)
    its = evaluation.c.license_id.in_([license_id]) & (evaluation.c.started == trial.started)
    found = await connection.scalar(select(evaluation.c.id).where(its, evaluation.c.merged_into.is_(None)))
    values = {"license_at": at, "evaluation_id": found}
    await connection.execute(update(app_signal).where(app_signal.c.id == row.id).values(values))
    return [early.id] if early is not None and is_early else []


async def _tell_owner(connection: AsyncConnection, early: Row[Any], fact: LicenseFollowed, *, at: datetime) -> None:
    """Say in the thread of a claimed card that the contact is known now. On other cards, nobody waits for that."""
    entry = Entry(at=at, fact=fact)
    if early.owner is not None:
        await append_history(connection, early.id, [entry])
    else:
        live = await live_evaluation(connection, early.id)
        await insert_row(connection, history, history_values(entry, early.id if live is None else live.id))

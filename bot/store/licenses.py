"""Licenses and their aliases: what is known of a record, and what a fresh sight of it adds."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.changes import Change, Corrected, Finding, Known, Refreshed, Reopened, Started, merged
from bot.domain.evaluation import License
from bot.domain.history import entry_of
from bot.store.database import Database
from bot.store.first_sight import record_first_sights
from bot.store.keys import Keys
from bot.store.merge import merge_licenses
from bot.store.outbox import remember, repaint
from bot.store.rows import insert_new, license_from, license_values, trial_from
from bot.store.schema import evaluation, license_, license_alias
from bot.store.whole import whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a batch came to: trials seen for the first time, and how many of them get a card."""

    started: int = 0
    announced: int = 0


@whole
class Licenses:
    """The licenses of the report as last seen."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    async def recall(self, seen: Sequence[License]) -> list[Known | None]:
        """What is known of each license, in the same order; None for one never seen. One look for the whole batch."""
        wanted = {alias for license_seen in seen for alias in license_seen.aliases}
        async with self._database.read() as connection:
            found = await connection.execute(select(license_alias).where(license_alias.c.alias.in_(wanted)))
            ids = {(row.app_key, row.alias): row.license_id for row in found}
            known = await self._load(connection, set(ids.values()))
        return [
            merged(known[id_] for id_ in {ids[app, a] for app, a in _aliases(license_seen) if (app, a) in ids})
            for license_seen in seen
        ]

    async def record(self, findings: Sequence[Finding], *, channel: str, at: datetime) -> Recorded:
        """Store a batch with its history and the deliveries that follow, all or nothing.

        No two findings of a batch may speak of the same license. StoreError when another copy of the bot was faster.
        """
        first = [finding for finding in findings if finding.known is None]
        begun = [finding for finding in first if any(isinstance(change, Started) for change in finding.changes)]
        async with self._database.write() as connection:
            await record_first_sights(connection, first, self._keys, channel=channel, at=at)
            for finding, known in ((f, f.known) for f in findings if f.known is not None):
                license_id = await self._keep(connection, finding, known, at=at)
                for change in finding.changes:
                    is_news = await _apply(connection, license_id, change, finding, channel=channel, at=at)
                    if is_news and isinstance(change, Started):
                        begun.append(finding)
        return Recorded(started=len(begun), announced=sum(finding.announce for finding in begun))

    async def _load(self, connection: AsyncConnection, ids: set[int]) -> dict[int, Known]:
        aliases: dict[int, list[str]] = defaultdict(list)
        for row in await connection.execute(select(license_alias).where(license_alias.c.license_id.in_(ids))):
            aliases[row.license_id].append(row.alias)
        trials: dict[int, list[Any]] = defaultdict(list)
        of_these = evaluation.c.license_id.in_(ids) & evaluation.c.merged_into.is_(None)
        for row in await connection.execute(select(evaluation).where(of_these).order_by(evaluation.c.started)):
            trials[row.license_id].append(trial_from(row))
        rows = await connection.execute(select(license_).where(license_.c.id.in_(ids)))
        return {
            row.id: Known(
                ids=(row.id,), license=license_from(row, aliases[row.id], self._keys), trials=tuple(trials[row.id])
            )
            for row in rows
        }

    async def _keep(self, connection: AsyncConnection, finding: Finding, known: Known, *, at: datetime) -> int:
        """Write the record itself with all its ids; the license's id."""
        license_id, *others = known.ids
        await merge_licenses(connection, license_id, others, trials=known.trials, at=at)
        truth = finding.seen if finding.is_fresh else known.license
        await connection.execute(
            update(license_).where(license_.c.id == license_id).values(license_values(truth, self._keys))
        )
        for app_key, alias in _aliases(finding.seen):
            await insert_new(connection, license_alias, {"app_key": app_key, "alias": alias, "license_id": license_id})
        return license_id


def _aliases(seen: License) -> list[tuple[str, str]]:
    return [(seen.app_key, alias) for alias in sorted(seen.aliases)]


async def _apply(
    connection: AsyncConnection, license_id: int, change: Change, finding: Finding, *, channel: str, at: datetime
) -> bool:
    """Bring one evaluation to where the change says it is, and owe Slack what follows; False when there is none."""
    evaluation_id = await _evaluation(connection, license_id, change, finding, channel=channel, at=at)
    if evaluation_id is None:
        return False
    entry = entry_of(change, finding.seen, at=at)
    if entry is not None:
        await remember(connection, evaluation_id, [entry])
    await repaint(connection, [evaluation_id], at=at)
    return True


async def _evaluation(
    connection: AsyncConnection, license_id: int, change: Change, finding: Finding, *, channel: str, at: datetime
) -> int | None:
    """The id of the evaluation that a change speaks of, made or brought up to date; None when there is none."""
    trial = change.trial
    values: dict[str, Any] = {"started": trial.started, "ends": trial.ends, "state": trial.state}
    if isinstance(change, Started):
        silent_or_loud = {"channel": channel} if finding.announce else {}
        row = {**values, "license_id": license_id, "first_seen": at, **silent_or_loud}
        return await insert_new(connection, evaluation, row)
    was = change.was.started if isinstance(change, Corrected) else trial.started
    this = (evaluation.c.license_id == license_id) & evaluation.c.merged_into.is_(None)
    found: int | None = await connection.scalar(select(evaluation.c.id).where(this, evaluation.c.started == was))
    if found is not None and not isinstance(change, Refreshed):
        # A card stays where it stands, whatever channel is set today.
        announced = (
            {"channel": func.coalesce(evaluation.c.channel, channel)}
            if finding.announce and isinstance(change, Reopened)
            else {}
        )
        await connection.execute(update(evaluation).where(evaluation.c.id == found).values(**values, **announced))
    return found

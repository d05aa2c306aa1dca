"""The figures of the team's reports, counted in the database by a fixed number of statements."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, time
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Select,
    case,
    exists,
    extract,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)

from bot.concurrency.shield import shielded
from bot.domain.evaluation import State
from bot.domain.history import Kind
from bot.domain.replies import ReplyKind
from bot.domain.report import MATURE_AFTER, ReportScope, TrialGroup, TrialGroups
from bot.domain.report_speed import NEWEST, Response
from bot.domain.report_team import BOUGHT_WITHIN, TemplateForApp, TemplateUse, Work, WorkOnApp
from bot.domain.target_parser import SITES
from bot.store.engine.database import Database
from bot.store.mail.policy_check import IS_ANSWER
from bot.store.reply_tables import reply
from bot.store.schema import evaluation, history, license_, mail

_IS_SENT: Final = mail.c.state == literal_column("'sent'")  # as in the condition of the index
_IS_LIVE: Final = evaluation.c.merged_into.is_(None)
_IS_BOUGHT: Final = evaluation.c.state == State.CONVERTED
_COUNTS: Final = evaluation.c.counted & evaluation.c.not_for_us_at.is_(None)
_GROUPED: Final[tuple[Column[Any], ...]] = (
    evaluation.c.started,
    evaluation.c.app_key,
    evaluation.c.counted,
    evaluation.c.state,
    evaluation.c.ends,
    evaluation.c.upgrade_to,
    evaluation.c.not_for_us_at,
)
"""In the order of their index: then trials that are alike follow each other, and are counted without sorting."""


@shielded
class Reports:
    """Counts over many evaluations of all apps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def trials(self, scope: ReportScope, *, own_sites: AbstractSet[str]) -> TrialGroups:
        """Return the trials that started since the scope begins, in groups of trials that began in one month."""
        async with self._database.read() as connection:
            rows = (await connection.execute(_every_trial(scope))).all()
            ours = (await connection.execute(_own_trials(scope, own_sites))).all() if own_sites else []
        return TrialGroups(
            every=[_group(row, row.number) for row in rows],
            contacted=[
                *(_group(row, row.contacted) for row in rows if row.contacted),
                *(_group(row, -row.contacted) for row in ours if row.contacted),
            ],
            own=[_group(row, row.number) for row in ours],
        )

    async def emails(self, scope: ReportScope) -> int:
        """Return how many emails were sent, answers aside."""
        sent = select(func.count()).select_from(mail).where(_IS_SENT, mail.c.at >= _begins(scope), ~IS_ANSWER)
        async with self._database.read() as connection:
            return await connection.scalar(sent) or 0

    async def responses(self, scope: ReportScope) -> list[Response]:
        """Return the dates of the newest announced trials."""
        async with self._database.read() as connection:
            return [
                Response(
                    app_key=row.app_key,
                    started=row.started,
                    seen=row.first_seen,
                    claimed=row.claimed,
                    contacted=min((at for at in (row.emailed, row.done_at) if at is not None), default=None),
                )
                for row in await connection.execute(_responses(scope))
            ]

    async def works(self, scope: ReportScope) -> list[WorkOnApp]:
        """Return what each person owns of the trials, and how many emails they sent, by app."""
        async with self._database.read() as connection:
            owned = (await connection.execute(_owned(scope))).all()
            emails = (await connection.execute(_emails(scope))).all()
        works = [(row, Work(owned=row.owned, running=row.running, done=row.done, bought=row.bought)) for row in owned]
        works += [(row, Work(emails=row.emails, replied=row.replied)) for row in emails]
        return [WorkOnApp(user=row.user, app_key=row.app_key, work=work) for row, work in works]

    async def templates(self, scope: ReportScope) -> list[TemplateForApp]:
        """Return what became of each template, by app."""
        async with self._database.read() as connection:
            sent = (await connection.execute(_templates(scope))).all()
            sales = (await connection.execute(_sales(scope))).all()
        bought = [(row.template, row.app_key) for row in sales if row.sold - row.at <= BOUGHT_WITHIN]
        return [
            TemplateForApp(
                template=row.template,
                app_key=row.app_key,
                use=TemplateUse(
                    sent=row.sent,
                    bounced=row.bounced,
                    replied=row.replied,
                    bought=bought.count((row.template, row.app_key)),
                ),
            )
            for row in sent
        ]


def _every_trial(scope: ReportScope) -> Select[Any]:
    """Select all trials in groups. Reads nothing but indexes."""
    other = evaluation.alias()
    emailed = select(mail.c.evaluation_id).where(_IS_SENT, mail.c.at >= _begins(scope))
    spoken_to = select(other.c.id).where(other.c.done_at.is_not(None), other.c.started >= scope.since)
    # The contacted are listed once: each trial of the index is looked up there, and not the other way round.
    return _trials(scope, true(), is_contacted=evaluation.c.id.in_(emailed.union_all(spoken_to)))


def _own_trials(scope: ReportScope, own_sites: Collection[str]) -> Select[Any]:
    """Select the trials on the vendor's own sites in groups. They are few: each is looked up."""
    emailed = exists().where(mail.c.evaluation_id == evaluation.c.id, _IS_SENT, mail.c.at >= _begins(scope))
    is_own = evaluation.c.license_id.in_(_licenses_on(own_sites))
    return _trials(scope, is_own, is_contacted=emailed | evaluation.c.done_at.is_not(None))


def _trials(scope: ReportScope, condition: ColumnElement[bool], *, is_contacted: ColumnElement[bool]) -> Select[Any]:
    """Select the trials of each month in groups, each with how many were contacted."""
    since = evaluation.c.started >= scope.since
    alike = select(*_GROUPED, func.count().label("number"), _number(is_contacted).label("contacted"))
    alike = alike.where(since, _IS_LIVE, condition).group_by(*_GROUPED)
    # By days in the order of the index first, and only these few groups are sorted.
    days = alike.subquery()
    grouped = (
        extract("year", days.c.started),
        extract("month", days.c.started),
        days.c.app_key,
        days.c.state,
        days.c.counted & days.c.not_for_us_at.is_(None),
        days.c.upgrade_to != "",
        days.c.ends <= scope.today - MATURE_AFTER,
    )
    return select(
        func.min(days.c.started).label("started"),
        days.c.app_key,
        days.c.state,
        grouped[4].label("counted"),
        grouped[5].label("is_upgrade"),
        func.max(days.c.ends).label("ends"),
        func.sum(days.c.number).label("number"),
        func.sum(days.c.contacted).label("contacted"),
    ).group_by(*grouped)


def _group(row: Row[Any], number: int) -> TrialGroup:
    return TrialGroup(
        app_key=row.app_key,
        started=row.started,
        ends=row.ends,
        state=State(row.state),
        is_counted=row.counted,
        is_upgrade=row.is_upgrade,
        number=int(number),
    )


def _responses(scope: ReportScope) -> Select[Any]:
    of_it = history.c.evaluation_id == evaluation.c.id
    claimed = select(func.min(history.c.at)).where(of_it, history.c.kind == Kind.ASSIGNED)
    emailed = select(func.min(mail.c.at)).where(mail.c.evaluation_id == evaluation.c.id, _IS_SENT)
    columns = (evaluation.c.app_key, evaluation.c.started, evaluation.c.first_seen, evaluation.c.done_at)
    return (
        select(*columns, claimed.scalar_subquery().label("claimed"), emailed.scalar_subquery().label("emailed"))
        .where(evaluation.c.channel.is_not(None), evaluation.c.first_seen >= _begins(scope), _COUNTS, _IS_LIVE)
        .order_by(evaluation.c.first_seen.desc())
        .limit(NEWEST)
    )


def _owned(scope: ReportScope) -> Select[Any]:
    return (
        select(
            evaluation.c.owner.label("user"),
            evaluation.c.app_key,
            func.count().label("owned"),
            _number(evaluation.c.state == State.RUNNING).label("running"),
            _number(evaluation.c.done_at.is_not(None)).label("done"),
            _number(_IS_BOUGHT).label("bought"),
        )
        # Of the two indexes that would do, the one of owned evaluations is the smaller one.
        .where(evaluation.c.owner > "", evaluation.c.started >= scope.since, _COUNTS, _IS_LIVE)
        .group_by(evaluation.c.owner, evaluation.c.app_key)
    )


def _emails(scope: ReportScope) -> Select[Any]:
    columns = (mail.c.actor.label("user"), evaluation.c.app_key, func.count().label("emails"))
    return _of_mail(scope, *columns, _replied()).group_by(mail.c.actor, evaluation.c.app_key)


def _templates(scope: ReportScope) -> Select[Any]:
    bounced = _number(mail.c.bounced_at.is_not(None)).label("bounced")
    columns = (mail.c.template, evaluation.c.app_key, func.count().label("sent"), bounced, _replied())
    return _of_mail(scope, *columns).where(~IS_ANSWER).group_by(mail.c.template, evaluation.c.app_key)


def _sales(scope: ReportScope) -> Select[Any]:
    """Select the emails whose evaluation was bought afterwards, each with when that was seen."""
    columns = (mail.c.template, mail.c.at, evaluation.c.app_key, func.min(history.c.at).label("sold"))
    bought_later = (history.c.kind == Kind.CONVERTED) & (history.c.at >= mail.c.at)
    return (
        _of_mail(scope, *columns)
        .join(history, history.c.evaluation_id == evaluation.c.id)
        .where(_IS_BOUGHT, bought_later, ~IS_ANSWER)
        .group_by(mail.c.id, mail.c.template, mail.c.at, evaluation.c.app_key)
    )


def _of_mail(scope: ReportScope, *columns: ColumnElement[Any]) -> Select[Any]:
    """Select from the emails that were sent since the scope begins, and their evaluations."""
    tables = mail.join(evaluation, evaluation.c.id == mail.c.evaluation_id)
    return select(*columns).select_from(tables).where(_IS_SENT, mail.c.at >= _begins(scope))


def _licenses_on(own_sites: Collection[str]) -> Select[tuple[int]]:
    """Select the licenses on one of the vendor's own sites, by their site or the domain of their contacts."""
    above = sorted(name.removeprefix("*") for name in own_sites if name.startswith("*."))
    exact = sorted(name for name in own_sites if not name.startswith("*."))
    hosts = [host for name in exact for host in (name, *(f"{name}{suffix}" for suffix in SITES))]
    columns = (license_.c.site, license_.c.domain)
    found: list[ColumnElement[bool]] = [column.in_(hosts) for column in columns if hosts]
    found += [column.endswith(name, autoescape=True) for name in above for column in columns]
    return select(license_.c.id).where(or_(false(), *found))


def _replied() -> ColumnElement[int]:
    """Count the emails of a group that somebody replied to. A mailbox that answered by itself does not count."""
    is_replied = exists().where(reply.c.mail_id == mail.c.id, reply.c.kind == ReplyKind.REPLY)
    return _number(is_replied).label("replied")


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Count the rows of a group that meet a condition."""
    return func.sum(case((condition, 1), else_=0))


def _begins(scope: ReportScope) -> datetime:
    return datetime.combine(scope.since, time.min, tzinfo=UTC)

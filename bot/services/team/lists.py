"""Answer what the team asks for: lists of evaluations, and what is found by words. Days are the team's."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.command_line import guess
from bot.domain.commands import CommandProblem, Filter, ProblemKind
from bot.domain.company_words import plain_words
from bot.domain.listing import (
    SOON,
    Criteria,
    Days,
    EvaluationRow,
    Filters,
    FindQuery,
    Found,
    ListKind,
    ListQuery,
    Ownership,
    Page,
    Selection,
)
from bot.domain.search_terms import find_apps, read_terms
from bot.errors import SlackError
from bot.mail.country_codes import country_code
from bot.slack.client.users import SlackUser
from bot.store import Store

MOST_FOUND: Final = 10
"""Evaluations in an answer to `find`."""
_USER_ID: Final = re.compile(r"@?([UW][A-Z0-9]*\d[A-Z0-9]*)(?:\|.*)?", re.ASCII)
"""A Slack user id as typed, or what is left of a mention: `<@U0ANA|ana>`."""


class Lists:
    """The lists of evaluations."""

    def __init__(
        self,
        store: Store,
        *,
        zone: ZoneInfo,
        slack_user: Callable[[str], Awaitable[SlackUser]],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._zone = zone
        self._slack_user = slack_user
        self._clock = clock

    def today(self) -> date:
        """Return today's date in the team's time zone."""
        return self._clock().astimezone(self._zone).date()

    async def page(self, query: ListQuery, number: int, *, user: str) -> Page[EvaluationRow] | CommandProblem:
        """Return a page of a list for a person, or which of its filters names nothing."""
        criteria = await self._resolve(query.filters, user)
        if isinstance(criteria, CommandProblem):
            return criteria
        if query.kind is ListKind.EXPIRING:
            until = min([query.within, *([query.filters.ending] if query.filters.ending is not None else [])])
            criteria = replace(criteria, ends=self._within(until))
        selection = Selection(kind=query.kind, days=self._days(query), user=user, criteria=criteria)
        return await self._store.lists.page(selection, number)

    async def first_pages(self, kinds: Sequence[ListKind], *, user: str = "") -> list[Page[EvaluationRow]]:
        """Return the first pages of these lists of work, in a person's eyes."""
        ends = {ListKind.EXPIRING: self._within(SOON)}
        selections = [Selection(kind=kind, user=user, criteria=Criteria(ends=ends.get(kind))) for kind in kinds]
        return await self._store.lists.pages([(selection, 0) for selection in selections])

    async def find(self, query: FindQuery, *, user: str) -> Found | CommandProblem:
        """Return the newest evaluations that have all the words, or which filter names nothing."""
        criteria = await self._resolve(query.filters, user)
        if isinstance(criteria, CommandProblem):
            return criteria
        terms = read_terms(query.words, await self._store.lists.apps())
        return await self._store.lists.find(terms, criteria, most=MOST_FOUND)

    def _days(self, query: ListQuery) -> Days | None:
        if query.first is None or query.last is None:
            return None
        begins = datetime.combine(query.first, time.min, tzinfo=self._zone)
        ends = datetime.combine(query.last + timedelta(days=1), time.min, tzinfo=self._zone)
        return Days(first=query.first, last=query.last, begins=begins, ends=ends)

    def _within(self, days: int) -> tuple[date, date]:
        return self.today(), self.today() + timedelta(days=days)

    async def _resolve(self, filters: Filters, user: str) -> Criteria | CommandProblem:
        """Return the filters with what their names stand for."""
        app_keys, countries = None, None
        if filters.app is not None:
            apps = await self._store.lists.apps()
            app_keys = find_apps(filters.app, apps)
            if not app_keys:
                return _unknown(Filter.APP, filters.app, sorted(apps.values()))
        if filters.country is not None:
            countries = await self._countries(filters.country)
            if countries is None:
                return _unknown(Filter.COUNTRY, filters.country)
        owner = None if filters.owner is None else await self._owner(filters.owner, user)
        if isinstance(owner, CommandProblem):
            return owner
        return Criteria(
            app_keys=app_keys,
            status=filters.state,
            owner=owner,
            countries=countries,
            ends=None if filters.ending is None else self._within(filters.ending),
            since=filters.since,
        )

    async def _countries(self, typed: str) -> frozenset[str] | None:
        """Return the names by which the report calls a country, or None if nothing is called so."""
        code = country_code(typed)
        if code is None:
            return None
        return frozenset(name for name in await self._store.lists.countries() if country_code(name) == code)

    async def _owner(self, typed: str, user: str) -> str | CommandProblem:
        """Return the owner that a filter means: who asks, nobody, a user id, or the owner whose name fits."""
        name = typed.lower().removeprefix("@")
        if name in set(Ownership):
            return user if name == Ownership.ME else Ownership.NONE
        if (named := _USER_ID.fullmatch(typed)) is not None:
            return named[1]
        owners = sorted(await self._store.lists.owners())
        fitting = [owner for owner in owners if await self._is_called(owner, name)]
        return fitting[0] if len(fitting) == 1 else _unknown(Filter.OWNER, typed, fitting or owners)

    async def _is_called(self, owner: str, name: str) -> bool:
        """Return whether a person has these words at the beginning of words of their name."""
        try:
            known = await self._slack_user(owner)
        except SlackError:
            return False
        words = [word for each in (known.name, known.display_name, known.handle) for word in plain_words(each)]
        wanted = plain_words(name)
        return bool(wanted) and all(any(word.startswith(each) for word in words) for each in wanted)


def _unknown(name: Filter, value: str, valid: list[str] | None = None) -> CommandProblem:
    known = tuple(valid or ())
    meant = None if name is Filter.OWNER else guess(value, known)
    return CommandProblem(kind=ProblemKind.UNKNOWN_VALUE, given=value, about=name, valid=known, meant=meant)

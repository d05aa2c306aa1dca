"""Keep the Home tabs up to date: of each person at most once in five seconds, and only if something changed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from bot.domain.home import MOST_ROWS, NUMBERS_FOR, PEOPLE_FOR, Home, PublishedHome, ReportState, TeamHome
from bot.domain.listing import ListKind
from bot.domain.report import ReportScope, conversion_report
from bot.errors import SlackError, SlackRefused
from bot.services.team.lists import Lists
from bot.slack.client.web_client import SlackClient
from bot.slack.views.home import closed_tab, digest_of, home_tab
from bot.store import Store

log = structlog.get_logger()

_PAUSE_S: Final = 5.0
"""Seconds between two publications to one person."""
_POLL_INTERVAL_S: Final = 60.0
"""Seconds between two looks even if nothing was written here: days go by, and another copy writes, too."""
_CHANGED_MEANWHILE: Final = "hash_conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How time goes by for Home tabs."""

    elapsed: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


class HomeTabs:
    """Renders Home tabs from the store, and publishes them."""

    def __init__(  # noqa: PLR0913  its collaborators, one by one
        self,
        store: Store,
        slack: SlackClient,
        lists: Lists,
        *,
        own_sites: Collection[str],
        admins: Collection[str] = (),
        workspace_url: Callable[[], str | None],
        clock: Callable[[], datetime],
    ) -> None:
        self.timing = Timing()
        self._store = store
        self._slack = slack
        self._lists = lists
        self._own_sites = frozenset(own_sites)
        self._admins = frozenset(admins)
        self._workspace_url = workspace_url
        self._clock = clock
        self._free_at: dict[str, float] = {}
        """When a person's Home tab may be published again."""
        self._waiting: set[str] = set()

    async def open(self, user: str) -> None:
        """Show somebody who opened their Home tab what is there now."""
        await self._store.homes.opened(user, at=self._clock())
        await self.refresh(user)

    async def close(self, user: str, why: str) -> None:
        """Show somebody who may see nothing one sentence."""
        await self._store.homes.forget(user)
        await self._slack.publish_home(user, closed_tab(why))

    async def refresh(self, user: str) -> None:
        """Publish somebody's Home tab, after a pause if that was done a moment ago."""
        if user in self._waiting:  # what is about to be published shows this, too
            return
        self._waiting.add(user)
        try:
            await self.timing.sleep(max(self._free_at.get(user, 0.0) - self.timing.elapsed(), 0.0))
        finally:
            self._waiting.discard(user)
        shown = await self._store.homes.find(user)
        await self._publish(shown, await self.read(user))

    async def read(self, user: str) -> Home:
        """Return what somebody's Home tab should show now."""
        return await self._home(user, await self._team())

    async def run(self) -> None:
        """Publish each Home tab that shows something outdated, as long as the bot runs."""
        while True:
            moment = self._store.database.writes
            await self.publish_changed()
            await self.timing.sleep(_PAUSE_S)
            await self._store.homes.changed(moment, seconds=_POLL_INTERVAL_S)

    async def publish_changed(self) -> None:
        """Publish the Home tabs of people who opened theirs lately, as far as they show something else now."""
        opened = await self._store.homes.list_opened(since=self._clock() - PEOPLE_FOR)
        team = await self._team() if opened else None
        for shown in opened:
            is_free = self._free_at.get(shown.user, 0.0) <= self.timing.elapsed()
            if team is None or not is_free or shown.user in self._waiting:
                continue
            home = await self._home(shown.user, team)
            if self._digest(home) != shown.digest:
                await self._publish(shown, home)

    async def _publish(self, shown: PublishedHome, home: Home) -> None:
        """Publish a Home tab. What Slack does not take is left for the next look."""
        self._free_at[shown.user] = self.timing.elapsed() + _PAUSE_S
        today, url = self._lists.today(), self._workspace_url()
        try:
            new = await self._published(shown, home_tab(home, today=today, workspace_url=url))
        except SlackError as exc:
            log.warning("home_not_published", reason=str(exc))
            return
        await self._store.homes.published(replace(shown, slack_hash=new, digest=self._digest(home)))

    async def _published(self, shown: PublishedHome, tab: dict[str, object]) -> str:
        """Return Slack's new hash. If somebody else published meanwhile, what was rendered last from the store wins."""
        try:
            return await self._slack.publish_home(shown.user, tab, known=shown.slack_hash)
        except SlackRefused as exc:
            if exc.code != _CHANGED_MEANWHILE:
                raise
        home = await self._home(shown.user, await self._team())
        today, url = self._lists.today(), self._workspace_url()
        return await self._slack.publish_home(shown.user, home_tab(home, today=today, workspace_url=url))

    def _digest(self, home: Home) -> str:
        return digest_of(home, today=self._lists.today(), workspace_url=self._workspace_url())

    async def _home(self, user: str, team: TeamHome) -> Home:
        [mine] = await self._lists.first_pages([ListKind.MINE], user=user)
        return Home(
            team=team,
            mine=mine,
            is_admin=user in self._admins,
            is_away=user in await self._store.absences.away(at=self._clock()),
            has_digest=user in await self._store.digests.people(),
            snoozed=tuple(await self._store.lists.snoozed(user, most=MOST_ROWS)),
        )

    async def _team(self) -> TeamHome:
        last, good = await self._store.polls.last(), await self._store.polls.last_good()
        today = self._lists.today()
        names = await self._store.lists.apps()
        scope = ReportScope(since=today - NUMBERS_FOR, today=today, names=names)
        trials = await self._store.reports.trials(scope, own_sites=self._own_sites)
        shown = (ListKind.UNOWNED, ListKind.EXPIRING, ListKind.WAITING)
        unowned, ending, waiting = await self._lists.first_pages(shown)
        return TeamHome(
            state=ReportState(
                read_at=None if good is None else good.started_at, error=None if last is None else last.error
            ),
            unowned=unowned,
            ending=ending,
            waiting=waiting,
            numbers=conversion_report(scope, trials),
            emails=await self._store.reports.emails(scope),
        )

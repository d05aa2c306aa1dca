"""Whatever the report does: one card an evaluation, each fact of it once, none lost that a reading has seen.

A vendor's history is played at random through the real client, against a Marketplace on a socket, into a real store.
"""

import asyncio
import shutil
import tempfile
from collections import defaultdict
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from bot.demo.fake_marketplace.server import DemoMarketplace, Fault
from bot.domain.card import Card
from bot.domain.evaluation import Evaluation, State
from bot.domain.history import Kind
from bot.errors import MarketplaceError
from bot.marketplace.client import Marketplace
from bot.marketplace.http import MarketplaceHttp
from bot.services.ingest.poller import PollPlan, ReportPoller
from bot.services.operations.alerts import AdminAlerts
from bot.store import Store, open_store
from bot.store.schema import evaluation, history
from tests.scenarios.vendor import TrueLicense, TrueTrial, Vendor
from tests.store.steps import CHANNEL, SECRET, bring, cards, rows

pytestmark = pytest.mark.long

DAY_ONE = date(2026, 3, 2)
SWEEP_EVERY = timedelta(days=3)
STATES = {
    "running": State.RUNNING,
    "bought": State.CONVERTED,
    "expires": State.EXPIRED,
    "cancels": State.CANCELLED,
}
BO = {"email": "bo@northwind.test", "name": "Bo Beispiel"}
FORGOTTEN = {"email": "RTBF", "name": "RTBF"}
ONCE = (Kind.EXTENDED, Kind.CONVERTED, Kind.ENDED, Kind.REOPENED, Kind.CONTACT_CHANGED)
FAULTS = st.sampled_from([Fault(status=503), Fault(status=401), Fault(cut=True), Fault(status=200, body="<html>")])


async def no_pause(_seconds: float) -> None:
    """Nobody waits in a test."""


class Years(RuleBasedStateMachine):
    """The rules are what may happen at any time, to the vendor, to the report and to the bot."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.loop = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.bots_clock_is_off = timedelta(0)
        self.posted: list[str] = []
        self.vendor = Vendor(report=DemoMarketplace(export_polls=0), today=DAY_ONE)
        self.loop.run(self._open())

    async def _open(self) -> None:
        url = await self.stack.enter_async_context(self.vendor.report.serve())
        report = self.vendor.report
        marketplace = await self.stack.enter_async_context(
            Marketplace(
                MarketplaceHttp(api_url=url, user=report.user, token=report.token),
                developer_id=report.developer_id,
                sleep=no_pause,
            )
        )
        database = f"sqlite+aiosqlite:///{self.folder / 'evaluators.db'}"
        self.store: Store = await self.stack.enter_async_context(open_store(database, secret_keys=[SECRET]))
        self.watch = ReportPoller(
            marketplace,
            self.store,
            PollPlan(channel=CHANNEL, first_run_days=365, sweep_every=SWEEP_EVERY),
            alerts=AdminAlerts(self.store, admins=(), channel=CHANNEL, clock=self.now),
            clock=self.now,
        )

    def now(self) -> datetime:
        """The time by the bot's clock."""
        return datetime.combine(self.vendor.today, datetime.min.time(), tzinfo=UTC) + self.bots_clock_is_off

    def pick(self, number: int, *states: str) -> TrueLicense | None:
        """One of the licenses whose trial is in such a state."""
        found = [each for each in self.vendor.licenses if each.trial.state in states]
        return found[number % len(found)] if found else None

    @rule(ago=st.integers(0, 6), cloud=st.booleans())
    def somebody_starts_a_trial(self, *, ago: int, cloud: bool) -> None:
        if len(self.vendor.licenses) < 6:
            self.vendor.begins(ago=ago, cloud=cloud)

    @rule(number=st.integers(0, 5), days=st.integers(1, 30))
    def a_trial_is_extended(self, number: int, days: int) -> None:
        if one := self.pick(number, "running"):
            self.vendor.extends(one, days)

    @rule(number=st.integers(0, 5), days=st.sampled_from([-2, -1, 1, 2]))
    def a_start_is_corrected(self, number: int, days: int) -> None:
        if one := self.pick(number, "running"):
            self.vendor.corrects(one, days)

    @rule(number=st.integers(0, 5), how=st.sampled_from(["expires", "cancels"]))
    def a_trial_is_over(self, number: int, how: str) -> None:
        if one := self.pick(number, "running"):
            self.vendor.is_over(one, how)

    @rule(number=st.integers(0, 5))
    def a_trial_runs_again(self, number: int) -> None:
        if one := self.pick(number, "expires", "cancels"):
            self.vendor.reopens(one)

    @rule(number=st.integers(0, 5))
    def a_license_is_bought(self, number: int) -> None:
        if one := self.pick(number, "running", "expires", "cancels"):
            self.vendor.buys(one)

    @rule(number=st.integers(0, 5))
    def an_old_license_is_tried_again(self, number: int) -> None:
        one = self.pick(number, "running", "expires", "cancels", "bought")
        if one and one.record["hosting"] == "Cloud":
            self.vendor.today = max(self.vendor.today, one.trial.ends, one.trial.started + timedelta(days=60))
            self.vendor.tries_again(one)

    @rule(number=st.integers(0, 5), contact=st.sampled_from([BO, FORGOTTEN, None]))
    def the_contact_changes(self, number: int, contact: dict[str, str] | None) -> None:
        if one := self.pick(number, *STATES):
            self.vendor.names(one, contact)

    @rule(number=st.integers(0, 5))
    def data_center_gains_entitlement_numbers(self, number: int) -> None:
        one = self.pick(number, *STATES)
        if one and one.record["hosting"] == "Data Center":
            self.vendor.gains_ids(one)

    @rule(number=st.integers(0, 5))
    def a_row_vanishes_or_comes_back(self, number: int) -> None:
        if one := self.pick(number, *STATES):
            one.hidden = not one.hidden

    @rule(days=st.integers(1, 20))
    def days_go_by(self, days: int) -> None:
        self.vendor.today += timedelta(days=days)

    @rule(days=st.integers(-2, 2))
    def the_clock_of_the_machine_is_wrong(self, days: int) -> None:
        self.bots_clock_is_off = timedelta(days=days)

    @precondition(lambda self: self.vendor.licenses)
    @rule(faults=st.lists(st.none() | FAULTS, max_size=6), seed=st.integers(0, 99), with_stale=st.booleans())
    def the_report_is_read(self, *, faults: list[Fault | None], seed: int, with_stale: bool) -> None:
        self.loop.run(self._read(faults, Random(seed), with_stale=with_stale))  # noqa: S311  no secret

    @rule()
    def the_cards_are_brought(self) -> None:
        self.posted += self.loop.run(bring(self.store, at=self.now() + timedelta(days=99)))

    async def _read(self, faults: list[Fault | None], order: Random, *, with_stale: bool) -> None:
        before = await self.store.polls.last_good()
        self.vendor.publish(order, with_stale=with_stale)
        self.vendor.report.faults.clear()
        self.vendor.report.faults.extend(faults)
        try:
            await self.watch.poll()
        except MarketplaceError:
            return
        finally:
            self.vendor.report.faults.clear()
        swept = await self.store.polls.last_good(is_full=True)
        complete = swept is not None and swept.started_at == self.now()
        since = min(before.started_at, self.now()).date() - timedelta(days=2) if before else None
        found = await cards(self.store)
        for each in self.vendor.licenses:
            if each.hidden or (each.is_silent and not each.trial.shown):
                continue
            if complete or (since and each.record["lastUpdated"] >= str(since)):
                each.trial.rang |= each.trial.state == "running" and each.trial.ends >= self.now().date()
                each.trial.shown = True
                _is_on_record(each, found)
        await self._nothing_is_there_twice(found)

    async def _nothing_is_there_twice(self, found: list[Card]) -> None:
        notified: dict[int, list[str]] = defaultdict(list)
        for row in await rows(self.store, history):
            notified[row.evaluation_id].append(row.kind)
        trials = [(of, trial) for of in self.vendor.licenses for trial in of.trials]
        for of, trial in trials:
            if trial.shown:
                kinds = notified[_evaluation(of, trial, found).id]
                assert kinds.count(Kind.STARTED) == 1
                assert all(kinds.count(kind) <= trial.facts[kind] for kind in ONCE), kinds
        assert len(found) <= len(trials)

    def teardown(self) -> None:
        try:
            self.loop.run(self._at_the_end())
        finally:
            self.loop.run(self.stack.aclose())
            self.loop.close()
            shutil.rmtree(self.folder)

    async def _at_the_end(self) -> None:
        """Once everything can be seen again, it is all there; and every card was posted once."""
        self.bots_clock_is_off = timedelta(0)
        self.vendor.today += timedelta(days=10)
        for each in self.vendor.licenses:
            each.hidden = False
        await self._read([], Random(0), with_stale=True)  # noqa: S311  no secret
        assert all(each.trial.shown or each.is_silent for each in self.vendor.licenses)
        self.posted += await bring(self.store, at=self.now() + timedelta(days=99))
        posts = [line for line in self.posted if line.startswith("post card")]
        assert len(posts) == len(set(posts))
        loud = {row.id for row in await rows(self.store, evaluation) if row.channel is not None}
        assert len(posts) == len(loud)
        found = await cards(self.store)
        rang = [(of, trial) for of in self.vendor.licenses for trial in of.trials if trial.rang]
        assert {_evaluation(of, trial, found).id for of, trial in rang} <= loud


def _is_on_record(of: TrueLicense, found: list[Card]) -> None:
    """As the report shows it, so the bot knows it."""
    known = _evaluation(of, of.trial, found)
    assert known.trial.state is STATES[of.trial.state]
    assert of.is_silent or known.trial.started == of.trial.started
    assert of.trial.state == "bought" or known.trial.ends == of.trial.ends
    contact = of.record["contactDetails"]["technicalContact"]
    seen = known.license.technical
    # That a record leaves the contact out says nothing: the one that was known stays.
    assert contact is None or (seen is not None and contact["email"] in {seen.email, "RTBF"})


def _evaluation(of: TrueLicense, trial: TrueTrial, found: list[Card]) -> Evaluation:
    """The one evaluation on record of a trial."""
    [known] = [
        card.evaluation
        for card in found
        if _ids(of) & card.evaluation.license.aliases
        and abs(card.evaluation.trial.started - trial.started) < timedelta(days=30)
    ]
    return known


def _ids(of: TrueLicense) -> set[str]:
    """Every id the license has in the report."""
    names = ("appEntitlementNumber", "appEntitlementId", "licenseId", "addonLicenseId")
    return {str(of.record[name]) for name in names if of.record.get(name)}


@pytest.mark.timeout(300)
def test_years_of_a_vendor_leave_each_evaluation_once_and_nothing_lost() -> None:
    # Without shrinking, which would take minutes with a server behind every step; the steps are printed as they were.
    some = settings(
        max_examples=25,
        stateful_step_count=30,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Years, settings=some)

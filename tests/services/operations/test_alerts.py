"""An incident is reported once, and its end once."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.health import PollStats, SocketStatus
from bot.domain.outbox import ApiMethod
from bot.errors import (
    AnswerUnreadable,
    ApiGone,
    BotError,
    MailSetupWrong,
    MarketplaceUnavailable,
    PermissionMissing,
    StoreError,
    TokenRefused,
)
from bot.services.operations.alerts import AdminAlerts
from bot.store import Store, open_store
from tests.world import Clock

CHANNEL = "C0CARDS"
AWAY = MarketplaceUnavailable("The Marketplace cannot answer now (503).")
TOKEN = TokenRefused("The Marketplace refused the API token (401).")
PERMISSION = PermissionMissing("The Marketplace does not show the report (403).")


@dataclass
class Admins:
    """A store, and the admins who hear of its incidents."""

    store: Store
    names: Sequence[str] = ("U0ANA",)
    clock: Clock = field(default_factory=Clock)

    async def heard(self) -> list[str]:
        """What was said since the last call: the channel, and how the text begins."""
        brought = []
        while taken := await self.store.outbox.claim(ApiMethod.POST, now=self.clock()):
            (delivery,) = taken
            brought.append(f"{delivery.channel} {delivery.text}")
            await self.store.outbox.mark_delivered(delivery, ts="1.0")
        return brought

    async def fail(self, *errors: BotError, is_full: bool = False) -> list[str]:
        """What they hear while polls, or sweeps, break off one after the other."""
        for error in errors:
            self.clock.now += timedelta(minutes=1)
            await self.store.polls.fail(
                await self._begin(is_full=is_full), PollStats(), at=self.clock(), error=str(error)
            )
            await self._alerts.poll_failed(error)
        return await self.heard()

    async def listen(self, line: SocketStatus) -> list[str]:
        """What they hear of the connection over which presses arrive."""
        await self._alerts.check_socket(line)
        return await self.heard()

    async def read(self, *, quarantined: int = 0, is_full: bool = False) -> list[str]:
        """What they hear when a poll comes to its end."""
        await self.store.polls.succeed(
            await self._begin(is_full=is_full), PollStats(), at=self.clock(), text="", channel=CHANNEL
        )
        await self._alerts.poll_succeeded(quarantined, is_full=is_full)
        return await self.heard()

    async def _begin(self, *, is_full: bool) -> int:
        return await self.store.polls.begin(at=self.clock(), is_full=is_full)

    @property
    def _alerts(self) -> AdminAlerts:
        """New each time, as in a bot that is started again after every poll."""
        return AdminAlerts(self.store, admins=self.names, channel=CHANNEL, clock=self.clock)


@pytest.fixture
async def admins(tmp_path: Path) -> AsyncIterator[Admins]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'evaluators.db'}"
    async with open_store(url, secret_keys=["a key for tests that is long enough"]) as store:
        yield Admins(store)


@pytest.mark.parametrize("error", [TOKEN, PERMISSION, ApiGone("Switched off (410).")], ids=["401", "403", "410"])
async def test_what_does_not_mend_itself_is_said_at_once_and_once(admins: Admins, error: BotError) -> None:
    [heard] = await admins.fail(error, error, error, error)
    assert heard.startswith("U0ANA :rotating_light: I can't read the licenses report. ")
    assert str(error).replace("`", "ˋ") in heard


@pytest.mark.parametrize(
    "error", [AWAY, AnswerUnreadable("It is HTML."), StoreError("The disk is full.")], ids=lambda e: type(e).__name__
)
async def test_anything_else_is_said_when_three_polls_in_a_row_have_failed(admins: Admins, error: BotError) -> None:
    assert await admins.fail(error, error) == []
    [heard] = await admins.fail(error)
    assert f"It failed 3 times in a row. {error}" in heard
    assert await admins.fail(error, error, error) == []


async def test_a_good_poll_in_between_resets_the_count(admins: Admins) -> None:
    for _ in range(3):
        assert await admins.fail(AWAY, AWAY) == []
        assert await admins.read() == []


async def test_a_different_trouble_is_said_once_and_the_end_of_all_in_one_line(admins: Admins) -> None:
    heard = await admins.fail(TOKEN, TOKEN, PERMISSION, PERMISSION, AWAY, AWAY)
    assert [[code for code in ("401", "403", "503") if code in line] for line in heard] == [["401"], ["403"], ["503"]]
    admins.clock.now += timedelta(hours=1)
    [end] = await admins.read()
    assert end == "U0ANA :white_check_mark: I can read the licenses report again, after 2 h, and have caught up."
    assert await admins.read() == []


async def test_a_trouble_that_comes_and_goes_with_another_does_not_storm(admins: Admins) -> None:
    assert len(await admins.fail(*[TOKEN, AWAY, PERMISSION] * 20)) == 3


async def test_the_same_trouble_after_a_good_poll_is_a_new_one(admins: Admins) -> None:
    for _ in range(2):
        assert len(await admins.fail(TOKEN)) == 1
        assert len(await admins.read()) == 1


@pytest.mark.parametrize("error", [PERMISSION, AWAY], ids=["403", "503"])
async def test_sweeps_that_fail_while_polls_go_well_are_one_trouble(admins: Admins, error: BotError) -> None:
    heard = []
    for _ in range(10):
        heard += [*await admins.read(), *await admins.fail(error, is_full=True)]
    assert len(heard) == 1
    assert "I can't read the full licenses report" in heard[0]
    assert len(await admins.read(is_full=True)) == 1


async def test_a_first_run_that_fails_raises_an_alert_and_its_end_another(admins: Admins) -> None:
    assert len(await admins.fail(TOKEN, TOKEN, is_full=True)) == 1
    assert len(await admins.read(is_full=True)) == 1


async def test_rows_set_aside_are_said_once_until_a_reading_of_the_whole_report_has_none(admins: Admins) -> None:
    [heard] = await admins.read(quarantined=2)
    assert "I can't read 2 rows" in heard
    for is_full, quarantined in ((False, 3), (True, 4), (False, 0), (False, 1)):
        assert await admins.read(quarantined=quarantined, is_full=is_full) == []
    [end] = await admins.read(is_full=True)
    assert "Every row of the licenses report can be read again" in end
    assert await admins.read(is_full=True) == []
    assert len(await admins.read(quarantined=1)) == 1


async def test_rows_set_aside_stand_beside_a_report_that_cannot_be_read(admins: Admins) -> None:
    await admins.read(quarantined=1)
    assert len(await admins.fail(TOKEN)) == 1
    [end] = await admins.read()
    assert "I can read the licenses report again" in end


async def test_each_admin_gets_the_alert_or_the_channel_if_there_is_none(admins: Admins) -> None:
    admins.names = ("U0ANA", "U0BEN")
    assert [line.split()[0] for line in await admins.fail(TOKEN)] == ["U0ANA", "U0BEN"]
    admins.names = ()
    assert [line.split()[0] for line in await admins.read()] == [CHANNEL]


async def test_presses_that_do_not_arrive_are_said_once_when_it_lasts_and_their_return_once(admins: Admins) -> None:
    minutes = [
        SocketStatus(heard=None, down=timedelta(minutes=number), problem="Slack refused.") for number in range(8)
    ]
    said = [await admins.listen(line) for line in minutes]
    assert [len(each) for each in said] == [0, 0, 0, 0, 0, 1, 0, 0]
    assert "No button presses have arrived from Slack for 5 min" in said[5][0]
    assert "Slack refused." in said[5][0]
    admins.clock.now += timedelta(minutes=3)
    [again] = await admins.listen(SocketStatus(heard=timedelta(0)))
    assert "Button presses arrive again, after 3 min" in again
    assert await admins.listen(SocketStatus(heard=timedelta(0))) == []


async def test_mails_refused_because_of_us_are_said_once_a_day(admins: Admins) -> None:
    alerts = AdminAlerts(admins.store, admins=admins.names, channel=CHANNEL, clock=admins.clock)
    heard = []
    for hours in (0, 1, 22, 1, 1):
        admins.clock.now += timedelta(hours=hours)
        await alerts.mail_refused("5.7.26")
        heard.append(await admins.heard())

    assert [len(each) for each in heard] == [1, 0, 0, 1, 0]
    assert heard[0][0].startswith("U0ANA :warning: A recipient's mail server refused an email because of us")
    assert "(status 5.7.26)" in heard[0][0]


async def test_that_no_mail_goes_is_said_once_and_its_end_once(admins: Admins) -> None:
    alerts = AdminAlerts(admins.store, admins=admins.names, channel=CHANNEL, clock=admins.clock)
    heard = []
    for _ in range(3):
        await alerts.mail_unavailable(MailSetupWrong("The mail server refused the login (code 535)."))
        heard += await admins.heard()
    assert [line.partition(". ")[0] for line in heard] == ["U0ANA :rotating_light: I can't send email"]

    admins.clock.now += timedelta(hours=2)
    for _ in range(3):
        await alerts.mail_recovered()
        heard += await admins.heard()
    assert heard[1:] == ["U0ANA :white_check_mark: Email works again, after 2 h. Queued emails are going out now."]


async def test_a_report_that_is_read_says_nothing_of_mail(admins: Admins) -> None:
    alerts = AdminAlerts(admins.store, admins=admins.names, channel=CHANNEL, clock=admins.clock)
    await alerts.mail_unavailable(MailSetupWrong("The mail server refused the login (code 535)."))
    await admins.heard()
    assert await admins.read() == []
    await alerts.mail_recovered()
    assert len(await admins.heard()) == 1

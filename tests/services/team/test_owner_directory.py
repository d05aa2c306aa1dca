"""What Slack says about owners is kept, and asked for again after a day."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.errors import SlackRefused, SlackUnavailable
from bot.security.keyring import Keyring
from bot.services.team.owner_directory import OwnerDirectory
from bot.slack.client.users import SlackUser
from bot.store import Store
from bot.store.team_members import load_emails
from bot.store.team_tables import team_member
from tests.builders import license_
from tests.store.steps import SECRET, report
from tests.world import Clock

BO, CY = "U0BO", "U0CY"


class Slack:
    """Says who people are, unless it is away."""

    def __init__(self) -> None:
        self.emails: dict[str, str | None] = {BO: "bo@vendor.example"}
        self.is_away = False
        self.refuses: dict[str, str] = {}
        self.asked: list[str] = []

    async def user(self, user: str) -> SlackUser:
        self.asked.append(user)
        if self.is_away:
            raise SlackUnavailable("down", retry_after=0)
        if user in self.refuses:
            raise SlackRefused("no", code=self.refuses[user])
        if user not in self.emails:
            raise SlackRefused("nobody", code="user_not_found")
        return SlackUser(name=user, teams=frozenset(), email=self.emails[user])


async def test_each_owner_is_asked_for_once_a_day(store: Store) -> None:
    clock, slack = Clock(), Slack()
    directory = OwnerDirectory(store, slack_user=slack.user, workspace_url=lambda: None, clock=clock)
    await report(store, license_(), license_(aliases=frozenset({"E-2"})), license_(aliases=frozenset({"E-3"})))
    assert not await directory.update()
    for evaluation_id, owner in ((1, BO), (2, CY), (3, BO)):
        await store.evaluations.assign(evaluation_id, owner, instead_of=None, by=owner, at=clock.now)
    slack.is_away = True
    assert not await directory.update()
    slack.is_away = False
    assert await directory.update()
    assert not await directory.update()
    assert slack.asked == [BO, BO, CY]
    clock.now += timedelta(days=1, seconds=1)
    slack.emails[BO] = "bo@new.example"
    assert await directory.update()
    async with store.database.read() as connection:
        assert await load_emails(connection, [BO, CY, None], Keyring([SECRET])) == {BO: "bo@new.example"}
        assert b"bo@" not in (await connection.scalars(select(team_member.c.email))).all()[0]


@pytest.mark.parametrize(
    ("code", "asked", "logged"),
    [("strange_code", [BO, CY, BO, CY], ["owner_refused"] * 2), ("invalid_auth", [BO, BO, BO], [])],
)
async def test_a_refusal_about_one_owner_concerns_nobody_else_and_is_logged_once_a_day(
    store: Store, code: str, asked: list[str], logged: list[str]
) -> None:
    clock, slack = Clock(), Slack()
    slack.refuses[BO] = code
    directory = OwnerDirectory(store, slack_user=slack.user, workspace_url=lambda: None, clock=clock)
    await report(store, license_(), license_(aliases=frozenset({"E-2"})))
    for evaluation_id, owner in ((1, BO), (2, CY)):
        await store.evaluations.assign(evaluation_id, owner, instead_of=None, by=owner, at=clock.now)
    with capture_logs() as lines:
        for later in (timedelta(0), timedelta(hours=1), timedelta(hours=24)):
            clock.now += later
            await directory.update()
    assert slack.asked == asked
    assert [line["event"] for line in lines] == logged

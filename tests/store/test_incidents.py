import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.domain.incidents import Incident, IncidentSource, OpenIncident
from bot.domain.outbox import ApiMethod
from bot.store import Store, open_store
from tests.builders import NOON
from tests.store.steps import LATER, SECRET

ADMINS = ("U0ANA", "U0BEN")
GONE = Incident(source=IncidentSource.POLL, code="api_gone")
REFUSED = Incident(source=IncidentSource.POLL, code="token_refused")
FORBIDDEN = Incident(source=IncidentSource.POLL, code="permission_missing")
UNREAD = Incident(source=IncidentSource.ROWS, code="unread")


async def said(store: Store) -> list[tuple[str, str | None]]:
    """What was said since the last call, by channel."""
    brought = []
    while taken := await store.outbox.claim(ApiMethod.POST, now=LATER):
        (delivery,) = taken
        brought.append((delivery.channel, delivery.text))
        await store.outbox.mark_delivered(delivery, ts="1.0")
    return brought


async def test_an_incident_is_said_to_each_once_while_it_stands(store: Store) -> None:
    began = [
        await store.incidents.open(REFUSED, f"Refused {number}", to=ADMINS, at=NOON + timedelta(minutes=number))
        for number in range(3)
    ]

    assert began == [True, False, False]
    assert await said(store) == [("U0ANA", "Refused 0"), ("U0BEN", "Refused 0")]
    assert await store.incidents.list_open() == [OpenIncident(incident=REFUSED, since=NOON)]


async def test_of_two_that_notice_it_together_one_says_it(store: Store) -> None:
    began = await asyncio.gather(*(store.incidents.open(GONE, "Gone", to=ADMINS[:1], at=NOON) for _ in range(8)))

    assert (sum(began), await said(store)) == (1, [("U0ANA", "Gone")])


async def test_the_end_of_several_incidents_is_said_once(store: Store) -> None:
    for each in (REFUSED, FORBIDDEN, UNREAD):
        await store.incidents.open(each, each.code, to=(), at=NOON)

    ended = [await store.incidents.close({REFUSED, FORBIDDEN}, "Well again", to=ADMINS, at=NOON) for _ in range(2)]

    assert ended == [True, False]
    assert await said(store) == [("U0ANA", "Well again"), ("U0BEN", "Well again")]
    assert await store.incidents.list_open() == [OpenIncident(incident=UNREAD, since=NOON)]


async def test_an_incident_that_comes_back_is_said_again(store: Store) -> None:
    for _ in range(2):
        assert await store.incidents.open(GONE, "Gone", to=ADMINS[:1], at=NOON)
        assert await store.incidents.close([GONE], "Well", to=ADMINS[:1], at=NOON)

    assert [text for _, text in await said(store)] == ["Gone", "Well", "Gone", "Well"]


async def test_a_restart_forgets_no_incident(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await store.incidents.open(GONE, "Gone", to=ADMINS, at=NOON)
    async with open_store(url, secret_keys=[SECRET]) as store:
        assert not await store.incidents.open(GONE, "Gone", to=ADMINS, at=LATER)
        assert await store.incidents.list_open() == [OpenIncident(incident=GONE, since=NOON)]


async def test_incidents_that_differ_in_one_thing_are_two(store: Store) -> None:
    shut = Incident(source=IncidentSource.SLACK, method=ApiMethod.POST, channel="C0CARDS", code="missing_scope")
    others = [
        replace(shut, method=ApiMethod.UPDATE),
        replace(shut, channel=None),
        replace(shut, code="is_archived"),
        replace(shut, scopes=("chat:write", "channels:history")),
        replace(shut, seconds=-1),
    ]
    for each in (shut, *others):
        assert await store.incidents.open(each, "", to=(), at=NOON)

    assert {each.incident for each in await store.incidents.list_open()} == {shut, *others}
    assert await store.incidents.close([shut], "", to=(), at=NOON)
    assert {each.incident for each in await store.incidents.list_open()} == set(others)

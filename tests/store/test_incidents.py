import asyncio
from datetime import timedelta

from bot.domain.health import OpenIncident
from bot.store import Store, open_store
from bot.store.outbox.repository import ApiMethod
from tests.builders import NOON
from tests.store.steps import LATER, SECRET

ADMINS = ("U0ANA", "U0BEN")


async def said(store: Store) -> list[tuple[str, str | None]]:
    """To whom what was said since the last look."""
    brought = []
    while taken := await store.outbox.claim(ApiMethod.POST, now=LATER):
        (delivery,) = taken
        brought.append((delivery.channel, delivery.text))
        await store.outbox.mark_delivered(delivery, ts="1.0")
    return brought


async def test_a_trouble_is_said_to_each_once_while_it_stands(store: Store) -> None:
    began = [
        await store.incidents.open("token_refused", f"Refused {number}", to=ADMINS, at=NOON + timedelta(minutes=number))
        for number in range(3)
    ]

    assert began == [True, False, False]
    assert await said(store) == [("U0ANA", "Refused 0"), ("U0BEN", "Refused 0")]
    assert await store.incidents.list_open() == [OpenIncident(kind="token_refused", since=NOON)]


async def test_of_two_that_notice_it_together_one_says_it(store: Store) -> None:
    began = await asyncio.gather(*(store.incidents.open("api_gone", "Gone", to=ADMINS[:1], at=NOON) for _ in range(8)))

    assert (sum(began), await said(store)) == (1, [("U0ANA", "Gone")])


async def test_the_end_of_several_troubles_is_said_once(store: Store) -> None:
    for kind in ("token_refused", "permission_missing", "rows_unread"):
        await store.incidents.open(kind, kind, to=(), at=NOON)

    ended = [
        await store.incidents.close({"token_refused", "permission_missing"}, "Well again", to=ADMINS, at=NOON)
        for _ in range(2)
    ]

    assert ended == [True, False]
    assert await said(store) == [("U0ANA", "Well again"), ("U0BEN", "Well again")]
    assert await store.incidents.list_open() == [OpenIncident(kind="rows_unread", since=NOON)]


async def test_a_trouble_that_comes_back_is_said_again(store: Store) -> None:
    for _ in range(2):
        assert await store.incidents.open("api_gone", "Gone", to=ADMINS[:1], at=NOON)
        assert await store.incidents.close(["api_gone"], "Well", to=ADMINS[:1], at=NOON)

    assert [text for _, text in await said(store)] == ["Gone", "Well", "Gone", "Well"]


async def test_a_restart_forgets_no_trouble(url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await store.incidents.open("api_gone", "Gone", to=ADMINS, at=NOON)
    async with open_store(url, secret_keys=[SECRET]) as store:
        assert not await store.incidents.open("api_gone", "Gone", to=ADMINS, at=LATER)
        assert await store.incidents.list_open() == [OpenIncident(kind="api_gone", since=NOON)]

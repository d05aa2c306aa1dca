"""The signed way in for what comes back from a mail."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.security.webhook_signature import sign
from bot.services.inbound.bounces import BounceHandler, BounceOutcome
from bot.web.bounce_webhook import BounceWebhook
from tests.services.inbound.test_bounces import BOUNCE, Ledger
from tests.web.conftest import Clock, Site, site

SECRET = "what the mail server signs with"


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def here(tmp_path: Path, ledger: Ledger, clock: Clock) -> AsyncIterator[Site]:
    """The endpoint at work."""

    async def tell(*_status: str) -> None:
        pass

    inbound = BounceHandler(
        ledger, verp=lambda _address: None, tell=tell, tell_unclear=tell, clock=lambda: datetime.now(UTC)
    )
    async with site(tmp_path, doors=[BounceWebhook(inbound, secret=SECRET, clock=clock)]) as found:
        yield found


async def post(here: Site, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    async with here.session.post(here.url("/bounces"), data=body, headers=headers) as answer:
        return answer.status, await answer.text()


def signed(body: bytes, at: float, *, secret: str = SECRET) -> dict[str, str]:
    signature = sign(secret.encode(), "r1", int(at), body)
    return {"webhook-id": "r1", "webhook-timestamp": str(int(at)), "webhook-signature": signature}


async def test_what_was_signed_is_taken_in(here: Site, ledger: Ledger, clock: Clock) -> None:
    assert await post(here, BOUNCE, signed(BOUNCE, clock.now)) == (202, f"{BounceOutcome.BOUNCED}\n")
    assert ledger.written == [("bounced", 12, "5.1.1")]


async def test_what_is_no_report_of_ours_is_taken_in_as_well_and_changes_nothing(
    here: Site, ledger: Ledger, clock: Clock
) -> None:
    for body in (b"", b"\xff\x00", BOUNCE.replace(b"0c4d2a5b", b"00000000")):
        assert (await post(here, body, signed(body, clock.now)))[0] == 202
    assert ledger.written == []


@pytest.mark.parametrize("late", [-301, -300, 0, 300, 301])
async def test_a_signature_holds_for_five_minutes(here: Site, ledger: Ledger, clock: Clock, late: int) -> None:
    header = signed(BOUNCE, clock.now)
    clock.now += late

    assert (await post(here, BOUNCE, header))[0] == (202 if abs(late) <= 300 else 401)
    assert len(ledger.written) == (abs(late) <= 300)


def wrong(clock: Clock) -> dict[str, dict[str, str]]:
    """Headers that do not sign `BOUNCE` now."""
    good = signed(BOUNCE, clock.now)
    return {
        "none": {},
        "no signature": good | {"webhook-signature": ""},
        "another secret": signed(BOUNCE, clock.now, secret="another"),
        "another body": signed(BOUNCE + b" ", clock.now),
        "something else": {"Authorization": "Bearer what the mail server signs with"},
    }


@pytest.mark.parametrize("kind", sorted(wrong(Clock())))
async def test_what_was_not_signed_changes_nothing(here: Site, ledger: Ledger, clock: Clock, kind: str) -> None:
    header = wrong(clock)[kind]

    status, text = await post(here, BOUNCE, header)

    assert status == 401
    assert text.startswith("The webhook signature is missing, wrong or too old")
    assert ledger.written == []


async def test_a_changed_body_is_not_what_was_signed(here: Site, ledger: Ledger, clock: Clock) -> None:
    assert (await post(here, BOUNCE.replace(b"5.1.1", b"5.1.2"), signed(BOUNCE, clock.now)))[0] == 401
    assert ledger.written == []


async def test_a_report_has_its_limits(here: Site, clock: Clock) -> None:
    for size, status in ((1_000_000, 202), (1_000_001, 413)):
        body = b"x" * size
        assert (await post(here, body, signed(body, clock.now)))[0] == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_there_is_nothing_to_look_at(here: Site, method: str) -> None:
    async with here.session.request(method, here.url("/bounces")) as answer:
        assert answer.status == 405

"""Feedback from apps: who may send it, what is refused, and what a conversation shows."""

import json
from typing import Any

import pytest

from bot.domain.feedback import FeedbackSource
from bot.security.webhook_signature import sign
from bot.store.feedback_tables import feedback
from bot.web.feedback.endpoints import MESSAGES
from tests.store.steps import rows
from tests.web.feedback.conftest import ORIGIN, SIGNING, FeedbackSite

BODY: dict[str, Any] = {"app": "com.example.roadmap", "entitlement_number": "E-1AA-2BB-3CC-4DD", "text": "Hello?"}


async def _signed(here: FeedbackSite, body: object, *, key: str = "m1", secret: str = SIGNING) -> tuple[int, Any]:
    data = json.dumps(body).encode()
    at = int(here.clock.now)
    headers = {
        "content-type": "application/json",
        "webhook-id": key,
        "webhook-timestamp": str(at),
        "webhook-signature": sign(secret.encode(), key, at, data),
    }
    async with here.session.post(here.url("/feedback"), data=data, headers=headers) as answer:
        return answer.status, await answer.json() if answer.status == 202 else await answer.text()


async def _from_page(here: FeedbackSite, body: object, *, origin: str = ORIGIN, key: str = "k1") -> tuple[int, Any]:
    headers = {"Origin": origin, "Idempotency-Key": key}
    async with here.session.post(here.url("/feedback"), json=body, headers=headers) as answer:
        allowed = answer.headers.get("Access-Control-Allow-Origin")
        assert allowed == (ORIGIN if origin == ORIGIN else None)
        return answer.status, await answer.json() if answer.status == 202 else await answer.text()


async def _messages(here: FeedbackSite, token: str, **headers: str) -> tuple[int, Any]:
    async with here.session.get(here.url(f"/feedback/conversations/{token}"), headers=headers) as answer:
        return answer.status, await answer.json() if answer.content_type == "application/json" else None


async def test_two_people_talk_through_the_token_of_the_conversation(here: FeedbackSite) -> None:
    status, answer = await _signed(here, BODY)
    assert status == 202
    token = answer["conversation"]
    [row] = await rows(here.store, feedback)
    await here.store.feedback.answer(row.id, "How can we help?", by="U0BO", at=row.at)
    assert (await _signed(here, {"text": "Like this", "conversation": token}, key="m2"))[0] == 202
    status, found = await _messages(here, token)
    assert status == 200
    assert [(each["from"], each["text"]) for each in found["messages"]] == [
        ("app", "Hello?"),
        ("team", "How can we help?"),
        ("app", "Like this"),
    ]
    assert "U0BO" not in json.dumps(found)
    assert (await _signed(here, BODY))[0] == 204


async def test_a_token_opens_one_conversation_and_nothing_else(here: FeedbackSite) -> None:
    token = (await _signed(here, BODY))[1]["conversation"]
    link = here.links.url("ana@acme.example", here.mail_id).rpartition("/")[2]
    for other in ("x", token[:-1], link):
        assert (await _messages(here, other))[0] == 404
        assert (await _signed(here, {"text": "Hi", "conversation": other}, key=other))[0] == 404
    async with here.session.get(here.url(f"/f/{token}")) as page:
        assert page.status == 404


async def test_a_page_with_a_listed_origin_is_not_verified_and_sends_no_contact_data(here: FeedbackSite) -> None:
    status, answer = await _from_page(here, BODY)
    assert status == 202
    again, same = await _from_page(here, BODY)
    assert again == 202
    assert await _messages(here, same["conversation"], Origin=ORIGIN) == await _messages(here, answer["conversation"])
    [row] = await rows(here.store, feedback)
    assert row.source == FeedbackSource.BROWSER
    status, other = await _from_page(here, {**BODY, "text": "And who are you?"})
    assert status == 202
    assert other != same
    for contact in ({"reply_to": "ana@acme.example", "contact_ok": True}, {"name": "Ana Sample"}):
        assert (await _from_page(here, {**BODY, **contact}, key="k2"))[0] == 400
    assert (await _from_page(here, BODY, origin="https://other.example"))[0] == 403


async def test_a_browser_may_ask_before_and_only_from_a_listed_origin(here: FeedbackSite) -> None:
    for origin, expected in ((ORIGIN, 204), ("https://other.example", 403)):
        async with here.session.options(here.url("/feedback"), headers={"Origin": origin}) as answer:
            assert answer.status == expected
            assert answer.headers.get("Access-Control-Allow-Origin") == (ORIGIN if expected == 204 else None)
            assert answer.headers["Vary"] == "Origin"
            assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**BODY, "text": "x" * 17_000}, 413),
        ({**BODY, "text": None}, 400),
        ({**BODY, "reply_to": "ana@acme.example"}, 400),
        ([], 400),
    ],
)
async def test_what_is_wrong_is_refused(here: FeedbackSite, body: object, status: int) -> None:
    assert (await _signed(here, body))[0] == status


async def test_nobody_else_sends_feedback_and_not_too_much_of_it(here: FeedbackSite) -> None:
    assert (await _signed(here, BODY, secret="a guess of somebody"))[0] == 401
    async with here.session.post(here.url("/feedback"), json=BODY) as answer:
        assert answer.status == 401
    async with here.session.post(here.url("/feedback/forge"), json=BODY) as answer:
        assert answer.status == 404
    statuses = [(await _from_page(here, {"text": "?"}, key=f"k{n}"))[0] for n in range(MESSAGES.burst + 1)]
    assert statuses[-1] == 429


async def test_the_window_is_small_and_needs_nothing_that_a_strict_policy_forbids(here: FeedbackSite) -> None:
    async with here.session.get(here.url("/feedback/widget.js")) as answer:
        script = await answer.text()
        assert answer.content_type == "text/javascript"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert len(script.encode()) < 6_000
    for forbidden in ("eval(", "innerHTML", "style=", "http:", "https:"):
        assert forbidden not in script

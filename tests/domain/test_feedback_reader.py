"""Feedback as apps and pages send it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.feedback import FeedbackContent, FeedbackSource, NewFeedback, Topic, link_works
from bot.domain.feedback_reader import clean_text, read_feedback
from bot.domain.place_reader import Place, RequestInvalid

GOOD: dict[str, Any] = {"app": "com.example.gantt", "site": "acme.atlassian.net", "text": "Where is the export?"}
NOW = datetime(2026, 11, 30, 10, tzinfo=UTC)


def _read(source: FeedbackSource = FeedbackSource.BACKEND, **changed: object) -> NewFeedback:
    return read_feedback({**GOOD, **changed}, source=source)


def test_all_of_it_is_read() -> None:
    found = _read(
        rating=4,
        topic="question",
        page="Board",
        locale="de",
        app_version="1.2",
        contact_ok=True,
        reply_to="ana@acme.example",
        name="Ana Sample",
        cloud_id="c-1",
        entitlement_number="E-1",
    )
    assert found.place == Place(
        app_key="com.example.gantt", cloud_id="c-1", site="acme.atlassian.net", aliases=("E-1",)
    )
    assert (found.rating, found.topic) == (4, Topic.QUESTION)
    assert found.content == FeedbackContent(
        text="Where is the export?",
        reply_to="ana@acme.example",
        name="Ana Sample",
        page="Board",
        locale="de",
        app_version="1.2",
    )


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"text": None}, "/text"),
        ({"text": "   "}, "/text"),
        ({"text": "x" * 2001}, "/text"),
        ({"text": 5}, "/text"),
        ({"rating": 6}, "/rating"),
        ({"rating": True}, "/rating"),
        ({"topic": "weather"}, "/topic"),
        ({"app": None}, "/app"),
        ({"app": "two words"}, "/app"),
        ({"site": None}, "/site"),
        ({"site": "not a host"}, "/site"),
        ({"page": "x" * 101}, "/page"),
        ({"contact_ok": "yes"}, "/contact_ok"),
        ({"reply_to": "ana@acme.example"}, "/reply_to"),
        ({"name": "Ana Sample"}, "/name"),
        ({"contact_ok": True, "reply_to": "no address"}, "/reply_to"),
    ],
)
def test_what_is_wrong_is_named_by_its_field_and_never_by_its_value(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(RequestInvalid) as caught:
        _read(**changed)
    assert why in str(caught.value)
    assert "Ana" not in str(caught.value)
    assert "no address" not in str(caught.value)


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    with pytest.raises(RequestInvalid):
        read_feedback(body, source=FeedbackSource.FORGE, app_key="app", cloud_id="c-1")


@pytest.mark.parametrize("changed", [{"contact_ok": True}, {"contact_ok": True, "reply_to": "ana@acme.example"}])
def test_a_page_that_nobody_verified_may_send_no_contact_data(changed: dict[str, Any]) -> None:
    with pytest.raises(RequestInvalid, match="signed"):
        _read(FeedbackSource.BROWSER, **changed)


def test_what_a_token_says_counts_more_than_the_body() -> None:
    found = read_feedback(
        {**GOOD, "cloud_id": "c-other"}, source=FeedbackSource.FORGE, app_key="com.example.lanterns", cloud_id="c-1"
    )
    assert found.place is not None
    assert (found.place.app_key, found.place.cloud_id) == ("com.example.lanterns", "c-1")


def test_a_conversation_needs_no_place() -> None:
    found = read_feedback({"text": "Thanks!", "conversation": "token"}, source=FeedbackSource.BACKEND)
    assert found.place is None


def test_text_is_kept_as_it_is_meant_to_be_seen() -> None:
    assert clean_text("  One\u202e\u0000 line \r\n\u200btwo\u2028three  ") == "One line\ntwo\nthree"


def test_the_link_in_an_email_works_until_some_time_after_the_trial() -> None:
    ends = NOW + timedelta(days=20)
    assert link_works(ends=ends, sent_at=NOW, now=ends + timedelta(days=90))
    assert not link_works(ends=ends, sent_at=NOW, now=ends + timedelta(days=91))
    assert link_works(ends=NOW - timedelta(days=400), sent_at=NOW, now=NOW + timedelta(days=90))

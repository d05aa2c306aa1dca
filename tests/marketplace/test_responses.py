"""Answers of the Marketplace, and what they are taken for."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import (
    AnswerUnreadable,
    ApiGone,
    MarketplaceError,
    MarketplaceUnavailable,
    PermissionMissing,
    RequestRefused,
    TokenRefused,
)
from bot.marketplace.responses import (
    NotFound,
    RetryLater,
    Row,
    parse_response,
    read_export_id,
    read_export_status,
    read_page,
    retry_after,
)

NOON = "Mon, 23 Nov 2026 12:00:00 GMT"
UUID = "0b5f4f6e-1111-4222-8333-0123456789ab"
SECRETS = "Ana Example <ana@acme.example> token=ATATT3x"


@pytest.mark.parametrize(
    ("status", "error", "advice"),
    [
        (302, RequestRefused, "MARKETPLACE_API_URL"),
        (304, RequestRefused, "MARKETPLACE_API_URL"),
        (400, RequestRefused, "update the bot"),
        (401, TokenRefused, "put it in MARKETPLACE_TOKEN"),
        (403, PermissionMissing, '"View sales reports" and "View all other reports"'),
        (404, NotFound, "MARKETPLACE_VENDOR_ID"),
        (408, MarketplaceUnavailable, "next poll"),
        (410, ApiGone, "Update the bot"),
        (429, MarketplaceUnavailable, "next poll"),
        (500, MarketplaceUnavailable, "next poll"),
        (502, MarketplaceUnavailable, "next poll"),
        (599, MarketplaceUnavailable, "next poll"),
    ],
)
def test_a_status_says_what_to_do_and_quotes_no_body(status: int, error: type[MarketplaceError], advice: str) -> None:
    response = httpx.Response(status, text=SECRETS, headers={"Location": "https://elsewhere.example/?token=ATATT3x"})
    with pytest.raises(error) as caught:
        parse_response(response, response.content)
    sentence = str(caught.value)
    assert str(status) in sentence
    assert advice in sentence
    assert "ATATT3x" not in sentence
    assert "@" not in sentence


@pytest.mark.parametrize(
    "body",
    [b"", b"<!doctype html><title>Log in</title>", b'{"licenses": [', b"\xff\xfe\x00", b"[" * 200_000, b"9" * 5000],
    ids=["empty", "html", "half", "bytes", "deep", "huge number"],
)
def test_what_is_not_json_is_unreadable(body: bytes) -> None:
    with pytest.raises(AnswerUnreadable, match="not JSON"):
        parse_response(httpx.Response(200), body)


@pytest.mark.parametrize("body", ["[]", "null", "3", '"text"'])
def test_json_that_is_no_object_is_unreadable(body: str) -> None:
    with pytest.raises(AnswerUnreadable, match="not an object"):
        parse_response(httpx.Response(200), body.encode())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT", "date": NOON}, 30.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT", "date": NOON}, 0.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 -0000", "date": NOON}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_seen_from_the_answers_own(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers) == seconds


def test_the_wait_that_was_asked_for_travels_with_the_error() -> None:
    with pytest.raises(RetryLater) as caught:
        parse_response(httpx.Response(429, headers={"Retry-After": "12"}), b"")
    assert caught.value.retry_after == 12.0


@given(st.text(), st.text())
def test_no_retry_after_whatever_raises(asked: str, today: str) -> None:
    seconds = retry_after({"retry-after": asked, "date": today})
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize("licenses", [None, "text", 3])
def test_a_page_without_licenses_is_unreadable(licenses: object) -> None:
    with pytest.raises(AnswerUnreadable, match="no list of licenses"):
        read_page({"licenses": licenses})


def test_one_license_may_come_without_its_list() -> None:
    assert read_page({"licenses": {"addonKey": "a"}}).rows == [Row({"addonKey": "a"}, '{"addonKey":"a"}')]


def test_a_row_that_is_no_object_does_not_spoil_the_page() -> None:
    rows = read_page({"licenses": [None, {"addonKey": "a"}, "junk"]}).rows
    assert rows == [Row({}, "null"), Row({"addonKey": "a"}, '{"addonKey":"a"}'), Row({}, '"junk"')]


@pytest.mark.parametrize(
    ("links", "has_next"),
    [(None, False), ([], False), ({}, False), ({"next": None}, False), ({"next": {"href": "/rest/3"}}, True)],
)
def test_a_next_link_says_that_there_is_more(links: object, has_next: bool) -> None:  # noqa: FBT001
    assert read_page({"licenses": [], "_links": links}).has_next is has_next


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"export": None},
        {"export": {}},
        {"export": {"id": 7}},
        {"export": {"id": "../../evil"}},
        {"export": {"id": f"{UUID}/../x"}},
        {"export": {"id": f"{UUID}\n"}},
        {"_links": {"download": {"href": f"/rest/3/x/{UUID}"}}},
    ],
)
def test_an_export_without_a_uuid_is_unreadable(answer: dict[str, Any]) -> None:
    with pytest.raises(AnswerUnreadable, match="no id"):
        read_export_id(answer)


def test_an_export_has_an_id() -> None:
    assert read_export_id({"export": {"id": UUID}}) == UUID


@pytest.mark.parametrize("answer", [{}, {"export": []}, {"export": {"status": None}}, {"status": "COMPLETED"}])
def test_an_export_without_a_status_is_unreadable(answer: dict[str, Any]) -> None:
    with pytest.raises(AnswerUnreadable, match="how far"):
        read_export_status(answer)

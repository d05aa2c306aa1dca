"""Read feedback as apps and pages send it."""

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from bot.domain.address import is_address
from bot.domain.feedback import LONGEST_TEXT, FeedbackContent, FeedbackSource, NewFeedback, Topic
from bot.domain.invisible_characters import strip_invisible
from bot.domain.place_reader import RequestInvalid, read_place

_LONGEST_NAME: Final = 100
_LONGEST_LOCALE: Final = 35
"""Characters of a language tag (RFC 5646, 4.4.1)."""
_RATINGS: Final = range(1, 6)
_CONTACT: Final = ("reply_to", "name")


def read_feedback(
    body: object,
    *,
    source: FeedbackSource,
    key: str | None = None,
    app_key: str | None = None,
    cloud_id: str | None = None,
) -> NewFeedback:
    """Return the feedback in the body of a request. Raises RequestInvalid.

    `app_key` and `cloud_id` come from a token, and count more than what the body says. The token of a conversation is
    not read here.
    """
    if not isinstance(body, dict):
        raise RequestInvalid("The body should be a JSON object.")
    given = body if cloud_id is None else {**body, "cloud_id": cloud_id}
    rating, text = _rating(body), _text(body, "text", LONGEST_TEXT)
    if rating is None and not text:
        raise RequestInvalid("One of /text and /rating is needed.")
    return NewFeedback(
        source=source,
        key=key,
        content=FeedbackContent(
            text=text,
            page=_line(body, "page", _LONGEST_NAME),
            locale=_line(body, "locale", _LONGEST_LOCALE),
            app_version=_line(body, "app_version", _LONGEST_NAME),
            **_contact(body, source),
        ),
        place=None if body.get("conversation") is not None else read_place(given, app_key=app_key),
        rating=rating,
        topic=_topic(body),
    )


def clean_text(text: str) -> str:
    """Return what somebody wrote, in one normal form, without control and other invisible characters."""
    lines = unicodedata.normalize("NFC", text).splitlines()
    return "\n".join(strip_invisible(line).rstrip() for line in lines).strip()


def _contact(body: Mapping[str, Any], source: FeedbackSource) -> dict[str, str]:
    """Return address and name, which only come with the person's consent, from somebody that we know."""
    is_allowed = body.get("contact_ok", False)
    if not isinstance(is_allowed, bool):
        raise RequestInvalid("/contact_ok should be true or false.")
    given = next((name for name in _CONTACT if body.get(name) is not None), None)
    if source is FeedbackSource.BROWSER and (is_allowed or given):
        raise RequestInvalid(
            f"/{given or 'contact_ok'} needs a signed request: a page may not send contact data. Leave it out."
        )
    if given and not is_allowed:
        raise RequestInvalid(f"/{given} needs /contact_ok: true. Leave it out, or ask the person first.")
    address = _line(body, "reply_to", 320)
    if address and not is_address(address):
        raise RequestInvalid("/reply_to should be an email address.")
    return {"reply_to": address, "name": _line(body, "name", _LONGEST_NAME)}


def _rating(body: Mapping[str, Any]) -> int | None:
    rating = body.get("rating")
    if rating is None:
        return None
    if isinstance(rating, bool) or not isinstance(rating, int) or rating not in _RATINGS:
        raise RequestInvalid("/rating should be a whole number from 1 to 5.")
    return rating


def _topic(body: Mapping[str, Any]) -> Topic | None:
    topic = body.get("topic")
    if topic is None:
        return None
    if not isinstance(topic, str) or topic not in set(Topic):
        raise RequestInvalid(f"/topic should be one of {', '.join(Topic)}.")
    return Topic(topic)


def _text(body: Mapping[str, Any], name: str, longest: int) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        raise RequestInvalid(f"/{name} should be a text of {longest:,} characters at most.")
    return clean_text(value)


def _line(body: Mapping[str, Any], name: str, longest: int) -> str:
    return " ".join(_text(body, name, longest).split())

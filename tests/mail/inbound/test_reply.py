"""Replies as mail programs write them, and messages that nobody's program would."""

import time
from collections.abc import Callable
from email import message_from_bytes

import pytest

from bot.mail.inbound.reply import FIELDS, read_incoming, read_traits
from bot.mail.inbound.reply_text import LONGEST, own_words, read_text
from bot.mail.inbound.verp import Purpose, envelope_sender, read_return_address, read_tagged_address, tagged_address
from tests.machine import limit
from tests.mail.reply_shapes import shapes

KEY = b"a key"
OURS = "<abc@vendor.example>"
TAGGED = tagged_address("replies@vendor.example", 7, KEY, Purpose.REPLY)


def tag(address: str) -> int | None:
    return read_tagged_address(address, [KEY], Purpose.REPLY)


def test_every_client_in_every_language_is_recognized_and_told_apart_from_its_quote() -> None:
    wrong = []
    for name, shape, raw in shapes(OURS, TAGGED):
        found = read_incoming(raw, tag=tag)
        is_ours = OURS in found.clues.answers or 7 in found.clues.tagged
        if not is_ours or read_text(raw).text.split() != shape.words.split():
            wrong.append(name)
    assert wrong == []


def test_the_fields_that_are_fetched_of_every_message_are_all_that_is_needed_to_recognize_it() -> None:
    for name, _, raw in shapes(OURS, TAGGED):
        mail = message_from_bytes(raw)
        fetched = "".join(f"{field}: {value}\r\n" for field, value in mail.items() if field.lower() in FIELDS)
        assert read_incoming(fetched.encode(), tag=tag) == read_incoming(raw, tag=tag), name


def test_an_address_for_replies_is_none_for_bounces() -> None:
    bounce = envelope_sender("replies@vendor.example", 7, KEY)
    assert tag(TAGGED) == tag(f"<{TAGGED.upper()}>") == 7
    assert tag(bounce) is None
    assert read_return_address(TAGGED, [KEY]) is None


def many_parts() -> bytes:
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 10_000 + b"--b--\r\n"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "10,000 parts": many_parts,
    "lines of 40 kB": lambda: b"Subject: x\r\n\r\n" + (b"On On On " * 5000 + b"\r\n") * 6,
    "a broken charset": lambda: b"Content-Type: text/plain; charset=no-such\r\n\r\n\xff\xfe ok",
    "another charset than it says": lambda: b"Content-Type: text/plain; charset=utf-8\r\n\r\nGr\xfc\xdfe",
    "NUL": lambda: b"Sub\0ject: x\r\n\r\n\0\0hello\0",
    "no headers": lambda: b"\r\n\r\n",
    "nothing": lambda: b"",
    "deep HTML": lambda: b"Content-Type: text/html\r\n\r\n" + b"<div>" * 20_000 + b"hello",
    "scripts": lambda: b"Content-Type: text/html\r\n\r\n" + b"<script>" * 12_000,
    "a number too long": lambda: b"Content-Type: text/plain; charset*" + b"9" * 5000 + b"=x\r\n\r\nhi",
    "a million ids": lambda: b"References: " + b"<a@b> " * 5000 + b"\r\n\r\nhi",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_is_read_in_time_or_refused_as_one_that_cannot_be(name: str) -> None:
    content = HOSTILE[name]()[:262_144]
    began = time.process_time()
    try:
        read_incoming(content[:32_768], tag=tag)
        read_traits(content, own=lambda _: False)
        found = read_text(content)
    except (ValueError, LookupError, TypeError, AttributeError):
        found = None
    assert time.process_time() - began < limit(2)
    assert found is None or len(found.full_text) <= LONGEST


def test_what_is_no_utf_8_is_read_letter_by_letter() -> None:
    assert read_text(HOSTILE["another charset than it says"]()).text == "Grüße"


def test_a_reply_between_the_quoted_lines_is_shown_without_them() -> None:
    assert own_words("> What do you hope for?\nA quick start.\n> When?\nNext week.") == "A quick start.\nNext week."


def test_files_are_named_and_the_bot_keeps_none() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee the file\r\n"
        b"--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=plan.png\r\n\r\nXXXX\r\n--b--\r\n"
    )
    found = read_text(raw)
    assert (found.text, found.attachments, "XXXX" in found.full_text) == ("see the file", ("plan.png",), False)

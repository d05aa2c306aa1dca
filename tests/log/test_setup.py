import io
import json
import logging
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import structlog

from bot.log.redaction import escape, redact
from bot.log.setup import set_up_logging, slack_logger
from tests.machine import limit

SECRETS = {
    "address": ("ana@acme.example", "<address>"),
    "address with a plus": ("ana.ash+trial@mail.acme.example", "<address>"),
    "address beyond ASCII": ("jürgen@bücher.example", "<address>"),
    "bot token": ("xoxb-1234-5678-AbCdEf", "<token>"),
    "app token": ("xapp-1-A0B1-23-0123456789abcdef", "<token>"),
    "ticket of a socket": ("wss://wss.slack.test/link/?ticket=1f-2e&app_id=A0", "ticket=<ticket>&app_id=A0"),
    "credentials": ("Basic cmVwb3J0c0B2ZW5kb3IuZXhhbXBsZTp0b2tlbg==", "<credentials>"),
    "response url": ("https://hooks.slack.com/actions/T0/123/abcDEF", "<response url>"),
    "response url of the demo": ("http://127.0.0.1:8000/response/abcDEF123", "<response url>"),
}
SPELLINGS = [
    "ana%40acme.example",
    "ana%2540acme.example",
    "ana%25252540acme.example",
    "?to=ana%40acme.example&x=1",
    "https://x.example/?q=%22Ana%20Lima%22%20%3Cana%40acme.example%3E",
    "mailto:ana@acme.example?subject=x",
    "Ana van der Lima <ana@acme.example>",
    '"Lima, Ana" <ana@acme.example>',
    "Ана Лима <ana@acme.example>",
    '"ana lima"@acme.example',
    '"ana \\"lima\\""@acme.example',
    "%22ana%20lima%22%40acme.example",
    "ana@[192.0.2.1]",
    "ana@localhost",
    "o'ana@acme.example",
    "bounces+ana=acme.example@vendor.example",
    "SRS0=x=y=acme.example=ana@vendor.example",
    "ana@xn--acm-dma.example",
    "ana@acmé.example",
    "ана@acme.example",
    "ana@acme.example.",
    "ana\u200b@acme\u200b.example",
    "%40ana@acme.example",
    "bo@x.example=ana@acme.example",
    "smtp://ana:lima@acme.example/",
]
each_secret = pytest.mark.parametrize(("secret", "instead"), SECRETS.values(), ids=SECRETS)
in_both = pytest.mark.parametrize("as_json", [False, True], ids=["console", "json"])


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def written(say: Callable[[], object], *, as_json: bool, level: str = "info", secrets: tuple[str, ...] = ()) -> str:
    """What is in the log afterwards."""
    stream = io.StringIO()
    set_up_logging(json=as_json, level=level, stream=stream, secrets=secrets)
    say()
    return stream.getvalue()


def refuse(words: str) -> None:
    """Raise an error whose text, traceback and cause hold these words."""
    try:
        int(words)
    except ValueError as exc:
        raise KeyError(f"no: {words}") from exc


def fail(words: str) -> None:
    try:
        refuse(words)
    except KeyError:
        structlog.get_logger().exception("job_failed")


def fail_in_a_library(words: str) -> None:
    try:
        refuse(words)
    except KeyError:
        logging.getLogger("some.library").exception("It failed for %s", words)


SAYINGS: dict[str, Callable[[str], object]] = {
    "as a field": lambda words: structlog.get_logger().info("mail_sent", to=words),
    "inside a sentence": lambda words: structlog.get_logger().info("mail_sent", reason=f"to <{words}>, at last"),
    "in a nested field": lambda words: structlog.get_logger().info("mail_sent", sent={"to": [words]}),
    "in an object": lambda words: structlog.get_logger().info("mail_sent", error=ValueError(words)),
    "in a traceback": fail,
    "by a library": lambda words: logging.getLogger("some.library").warning("sent to %s", words),
    "in a library's traceback": fail_in_a_library,
    "by a talkative library": lambda words: logging.getLogger("httpx").warning("HTTP Request: %s", words),
}


@in_both
@each_secret
@pytest.mark.parametrize("say", SAYINGS.values(), ids=SAYINGS)
def test_what_is_secret_is_taken_out_wherever_it_stands(
    *, say: Callable[[str], object], secret: str, instead: str, as_json: bool
) -> None:
    line = written(lambda: say(secret), as_json=as_json)

    assert instead in line
    assert secret not in line
    assert json.dumps(secret).strip('"') not in line


@pytest.mark.parametrize("around", ["{}", '"{}"', "{}\nnext line", "'{}'\\", "a\t{}\x1b[0m", "<{}>", "({})", "é{}é"])
@each_secret
def test_a_line_of_json_can_be_read_whatever_was_taken_out(*, around: str, secret: str, instead: str) -> None:
    line = written(lambda: structlog.get_logger().info("found", what=around.format(secret), after=1), as_json=True)

    found: dict[str, Any] = json.loads(line)
    assert instead in found["what"]
    assert (found["event"], found["level"], found["after"]) == ("found", "info", 1)


def test_a_line_of_json_has_the_time_in_utc_and_the_traceback() -> None:
    found = json.loads(written(lambda: fail("nothing secret"), as_json=True))

    assert found["timestamp"].endswith("Z")
    assert (found["event"], found["level"]) == ("job_failed", "error")
    assert "KeyError: 'no: nothing secret'" in found["exception"]


WRITINGS: dict[str, Callable[[str], str]] = {
    "plainly": str,
    "in repr": repr,
    "in ascii": ascii,
    "in bytes": lambda spelling: repr(spelling.encode()),
    "in JSON": json.dumps,
    "in JSON in JSON": lambda spelling: json.dumps(json.dumps({"to": [spelling]})),
    "in a URL": lambda spelling: f"https://x.example/?to={quote(spelling)}&x=1",
    "in a URL in a URL": lambda spelling: f"https://x.example/?to={quote(quote(spelling, safe=''), safe='')}",
    "as a form": lambda spelling: urlencode({"to": spelling, "x": 1}),
}


@in_both
@pytest.mark.parametrize("write", WRITINGS.values(), ids=WRITINGS)
def test_an_address_is_taken_out_however_it_is_written(*, write: Callable[[str], str], as_json: bool) -> None:
    def say() -> None:
        for spelling in SPELLINGS:
            structlog.get_logger().info("found", what=write(spelling))

    lines = written(say, as_json=as_json).splitlines()

    assert len(lines) == len(SPELLINGS)
    assert not [line for line in lines if "<address>" not in line]
    rest = [line.replace("smtp://ana:", "") for line in lines]
    assert not [line for line in rest if re.search(r"ana|acm|Ана|ана|[Ll]ima", line)]


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("550 5.1.1 <ana@acme.example> User unknown", "550 5.1.1 <<address>> User unknown"),
        ("sent to Ana Lima <ana@acme.example>, at last", "sent to <<address>>, at last"),
        ('{"token": "abc", "n": 1}', '{"token": "<secret>", "n": 1}'),
        ("{'password': 'abc'}", "{'password': '<secret>'}"),
        ("/x?access_token=abc&n=1", "/x?access_token=<secret>&n=1"),
        ("https://bot.example/u/AbCdEfGhIjKlMnOpQr-_0", "https://bot.example/u/<token>"),
        ("https%3A%2F%2Fbot.example%2Fu%2FAbCdEfGhIjKlMnOpQr-_0", "https%3A%2F%2Fbot.example%2Fu%2F<token>"),
        ("Bearer AbCdEfGhIjKl", "<credentials>"),
        ('{"u": "https:\\/\\/hooks.slack.com\\/commands\\/T0\\/1", "n": 1}', '{"u": "<response url>", "n": 1}'),
        ("xoxe.xoxp-1-abc", "<token>"),
        ("to ana＠acme.example", "to <address>"),
        ("to ana&#64;acme.example", "to <address>"),
    ],
)
def test_only_what_is_secret_is_taken_out(line: str, instead: str) -> None:
    assert redact(line) == instead


@pytest.mark.parametrize(
    "line",
    [
        "SLACK_BOT_TOKEN is missing. Use the Bot User OAuth Token (xoxb-…).",
        "Slack refused the token: not_authed",
        "evaluation=7 app=com.example.roadmap channel=C0CARDS",
        "https://api.atlassian.com/marketplace/rest/3/reporting/developer-space/licenses?offset=100",
        "E-1AA-2BB-3CC-4DD SEN-12345678",
        "@here @channel",
        "2026-11-23T12:00:00Z",
        "Basic needs",
        "xoxo",
    ],
)
def test_what_is_not_secret_stays(line: str) -> None:
    assert redact(line) == line


LONG = [
    *("a", "@", "a@", "%25", '"', "\\", '\\"', "A <", "a=", "%40", "a'", "token", "token=", "xoxb-", " ", "A ", '"a'),
    *(
        "hooks.slack",
        "/u/",
        "a%40",
        '"a"@b ',
        "<a@b> ",
        "@[",
        "Basic ",
        "%2525254",
        '\\"@x ',
        "é@",
        "\u202e",
        "\n",
        "x" * 99,
    ),
]


@pytest.mark.parametrize("part", LONG)
def test_redaction_of_a_very_long_line_takes_moments(part: str) -> None:
    """Where time grew with the square of the length, this would take many minutes."""
    line = f"{part * (25_000 // len(part))}ana@acme.example"

    began = time.process_time()
    assert "ana@acme" not in escape(redact(line))
    assert time.process_time() - began < limit(2)


@pytest.mark.parametrize("size", [5_000, pytest.param(40_000, marks=pytest.mark.long)])  # of a line of a megabyte
def test_a_line_of_everything_is_redacted(size: int) -> None:
    line = "".join(part * (size // len(part)) for part in LONG)

    assert "ana@acme" not in redact(f"{line} <ana@acme.example> {line}")


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning"]),
        ("info", ["info", "warning"]),
        ("warning", ["warning"]),
        ("error", []),
    ],
)
def test_only_what_is_loud_enough_is_written(level: str, shown: list[str]) -> None:
    def say() -> None:
        for each in ("debug", "info", "warning"):
            structlog.get_logger().log(logging.getLevelNamesMapping()[each.upper()], each)

    lines = written(say, as_json=True, level=level).splitlines()

    assert [json.loads(line)["event"] for line in lines] == shown


@pytest.mark.parametrize("name", ["httpx", "apscheduler.executors.default", "slack_bolt.App", "aiohttp.access"])
def test_libraries_that_talk_much_are_heard_only_when_something_is_wrong(name: str) -> None:
    def say() -> None:
        logging.getLogger(name).info("as always")
        logging.getLogger(name).warning("not as always")

    assert [json.loads(line)["event"] for line in written(say, as_json=True).splitlines()] == ["not as always"]


def test_setting_up_twice_writes_each_line_once() -> None:
    first = io.StringIO()
    set_up_logging(json=False, level="info", stream=first)

    line = written(lambda: logging.getLogger("some.library").warning("once"), as_json=False)

    assert (line.count("once"), first.getvalue()) == (1, "")


def test_bolts_word_on_a_token_it_does_not_need_is_not_written() -> None:
    def say() -> None:
        log = slack_logger()
        log.warning("As you gave `client` as well, `token` will be unused.")
        log.warning("something else")

    assert [json.loads(line)["event"] for line in written(say, as_json=True).splitlines()] == ["something else"]


UNSAFE = {
    "a line break": "\n",
    "a carriage return": "\r",
    "a line separator": "\u2028",
    "a paragraph separator": "\u2029",
    "a next line": "\x85",
    "a vertical tab": "\x0b",
    "a form feed": "\x0c",
    "an escape": "\x1b",
    "a one-byte escape": "\x9b",
    "a backspace": "\x08",
    "a null": "\x00",
    "an override": "\u202e",
    "an isolate": "\u2066",
    "a mark of direction": "\u200f",
    "something invisible": "\u200b",
    "half a character": "\ud800",
    "a tag": "\U000e0041",
}
FORGED = "x{}2026-11-30T12:00:00Z [info     ] mail_sent mail=1"


@in_both
@pytest.mark.parametrize("say", SAYINGS.values(), ids=SAYINGS)
def test_nothing_in_a_value_begins_a_line_or_hides_what_it_is(*, say: Callable[[str], object], as_json: bool) -> None:
    for name, unsafe in UNSAFE.items():
        line = written(lambda unsafe=unsafe: say(FORGED.format(unsafe)), as_json=as_json)  # type: ignore[misc]

        assert unsafe == "\n" or unsafe not in line, name
        assert not [each for each in line.splitlines() if each.startswith(("2026-11-30T12:00:00Z", " mail=1"))], name
        assert len(line.split("\n")) == 2 or "Traceback" in line, name


@in_both
def test_what_is_said_under_a_name_that_forges_a_line_is_one_line(*, as_json: bool) -> None:
    def say() -> None:
        structlog.get_logger().info("a\nb", **{"c\nd": {"e\nf": "g"}, "exception": "h\ni", "stack": "j\nk"})
        logging.getLogger("a\nlibrary").warning("l\nm")

    assert len(written(say, as_json=as_json).splitlines()) <= 2


def test_a_traceback_can_be_read_and_only_its_messages_are_escaped() -> None:
    line = written(lambda: fail("a\nb"), as_json=False)

    assert "\nTraceback (most recent call last):\n" in line
    assert "    int(words)\n" in line
    assert "KeyError: 'no: a\\nb'\n" in line
    assert "ValueError: invalid literal for int() with base 10: 'a\\nb'\n" in line
    assert "The error above led to this one:" in line


class _Quoting(Exception):
    """What a library raises that quotes what it was given."""


def test_an_error_of_a_library_is_not_quoted_nor_are_its_notes() -> None:
    def fail_and_tell() -> None:
        error = _Quoting("Liv wrote this")
        error.add_note("and this")
        group = ExceptionGroup("all", [error, ValueError("of ours")])
        structlog.get_logger().error("job_crashed", error=error, exc_info=group)

    line = written(fail_and_tell, as_json=False)
    assert "tests.log.test_setup._Quoting" in line
    assert "ValueError: of ours" in line
    assert "wrote" not in line
    assert "and this" not in line


def test_causes_that_go_in_a_circle_end() -> None:
    def say() -> None:
        one, other = ValueError("one"), ValueError("other")
        one.__cause__, other.__cause__ = other, one
        structlog.get_logger().error("job_crashed", exc_info=one)

    assert written(say, as_json=False).count("Traceback") == 2


@pytest.mark.parametrize("name", ["slack_bolt.AsyncApp", "slack_sdk.web", "some.library", "asyncio", "sqlalchemy"])
def test_no_library_gets_lower_than_a_warning_whatever_level_it_gives_itself(name: str) -> None:
    def say() -> None:
        logging.getLogger(name).setLevel(logging.DEBUG)
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            logging.getLogger(name).log(level, "at %s", level)

    line = written(say, as_json=True, level="debug")
    logging.getLogger(name).setLevel(logging.NOTSET)
    assert [json.loads(each)["event"] for each in line.splitlines()] == ["at 30"]


def test_bolt_and_the_sdk_are_cut_before_they_quote() -> None:
    def say() -> None:
        log = logging.getLogger("slack_bolt.AsyncApp")
        log.warning("Unhandled request ({'submission': 'Dear Liv'})\n---\nlogger.info(body)")
        log.error("Failed to run a listener: Dear Liv, session: s_1")
        log.error("Got {'text': 'Dear Liv'}")

    events = [json.loads(line)["event"] for line in written(say, as_json=True).splitlines()]
    assert events == ["Unhandled request", "Failed to run a listener", "Got"]


def test_a_body_that_a_library_logs_as_it_is_is_not_written() -> None:
    def say() -> None:
        logging.getLogger("some.library").warning({"text": "Dear Liv"})
        logging.getLogger("some.library").warning("Got %s", {"text": "Dear Liv"})

    line = written(say, as_json=True)
    assert [json.loads(each)["event"] for each in line.splitlines()] == ["", "Got"]


def test_what_a_library_says_again_and_again_is_written_once_a_minute_with_their_number() -> None:
    def say(at: float) -> None:
        record = logging.LogRecord("some.library", logging.ERROR, "", 0, "No for %s", (at,), None)
        record.created = at
        logging.getLogger().handle(record)

    def say_all() -> None:
        for at in (*range(1000, 1060), 1060, 1061, 1061.5, 500):
            say(at)

    assert [json.loads(line)["event"] for line in written(say_all, as_json=True).splitlines()] == [
        "No for 1000",
        "No for 1060 (and 59 more)",
        "No for 500 (and 2 more)",
    ]


def test_a_line_that_cannot_be_written_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("Liv Eksempel")

    def say() -> None:
        structlog.get_logger().info("found", what=Broken())
        logging.getLogger("some.library").warning("%d of %s", "Liv")  # noqa: PLE1206  that is the fault

    lines = written(say, as_json=False).splitlines()
    assert lines[0].startswith("A line of ")
    assert "%d of %s" in lines[1]
    assert not [line for line in (*lines, *capsys.readouterr()) if "Liv" in line]


def test_a_very_long_value_is_cut() -> None:
    line = written(lambda: structlog.get_logger().info("found", what="ana@acme.example " * 100_000), as_json=True)

    assert len(line) < 10_000
    assert "ana" not in line
    assert "1700000 characters" in line


def test_the_level_is_for_libraries_too() -> None:
    assert written(lambda: logging.getLogger("httpx").warning("x"), as_json=True, level="error") == ""


@in_both
@pytest.mark.parametrize("say", SAYINGS.values(), ids=SAYINGS)
def test_a_secret_of_the_settings_is_taken_out_though_it_has_no_form(
    *, say: Callable[[str], object], as_json: bool
) -> None:
    secrets = ("correct horse/battery", "correct horse", "on", "")
    for secret in ("correct horse/battery", "correct%20horse%2Fbattery"):
        line = written(lambda secret=secret: say(f"on {secret} on"), as_json=as_json, secrets=secrets)  # type: ignore[misc]

        assert "on <secret> on" in line
        assert "horse" not in line


def test_what_ends_the_process_goes_through_the_sink() -> None:
    code = (
        "import sys; from bot.log.setup import log_uncaught, set_up_logging; sys.excepthook = log_uncaught;"
        " set_up_logging(json=False, level='info'); raise RuntimeError('ana@acme.example')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603

    assert done.returncode == 1
    assert "uncaught" in done.stderr
    assert "RuntimeError: <address>" in done.stderr
    assert "ana" not in done.stderr.replace("<string>", "")

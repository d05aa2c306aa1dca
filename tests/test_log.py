import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from bot.log import set_up_logging
from bot.redaction import redact

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
each_secret = pytest.mark.parametrize(("secret", "instead"), SECRETS.values(), ids=SECRETS)
in_both = pytest.mark.parametrize("as_json", [False, True], ids=["console", "json"])


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def written(say: Callable[[], object], *, as_json: bool, level: str = "info") -> str:
    """What stands in the log afterwards."""
    stream = io.StringIO()
    set_up_logging(json=as_json, level=level, stream=stream)
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


@pytest.mark.parametrize(
    "line",
    [
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


def test_a_very_long_line_is_no_trap() -> None:
    assert redact("a" * 100_000 + "@" + "b" * 100_000) == "a" * 100_000 + "@" + "b" * 100_000


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
        log = logging.getLogger("slack_bolt.AsyncApp")
        log.warning("As you gave `client` as well, `token` will be unused.")
        log.warning("something else")

    assert [json.loads(line)["event"] for line in written(say, as_json=True).splitlines()] == ["something else"]

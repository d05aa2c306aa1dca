"""A watch over everything that leaves the log's sink at `debug` in a run of the tests.

A test in which an address, a name, the text of a mail or a token of the fixtures gets there fails at its end. It names
the logger and the event, never the value. What a process of its own writes is given to `read`.
"""

import io
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest
import structlog

from bot.demo.fake_slack.state import PEOPLE
from bot.demo.scenario import sample_data
from bot.log.setup import Sink, set_up_logging

_ADDRESS: Final = re.compile(r"[^\s<>\"'=,;:()]@[^\s<>\"'=,;:()@]|(?<=[a-z])@(?=[a-z])")
_TOKEN: Final = re.compile(r"xox[a-z]-\w|xapp-\w|/u/[\w-]{16}|hooks\.slack\.com/|(?:Basic|Bearer) [\w+/=]{8}")
_NAMES: Final = frozenset(
    {
        *(
            each
            for who in vars(sample_data).values()
            if isinstance(who, sample_data.Customer)
            for each in (who.person, who.company)
        ),
        *(user.real_name for user in PEOPLE if not user.is_bot),
        *("Ana Ash", "Ana Example", "Ana Lima", "Ana Oak", "Ana Sample", "Ben Miller", "Bo Beech", "Bo Birch"),
        *("Cy Cedar", "Grace Example", "Bridge Sample Resellers", "1 Sample Street"),
    }
)
_TEMPLATES: Final = Path(sample_data.__file__).parent.parent.parent / "mail" / "templates"
_SHORTEST_NAME: Final = 7
"""Characters: shorter ones, such as “Nobody”, are words that anybody may use."""
_SHORTEST_LINE: Final = 25
"""Characters of a line of a mail by which the mail would be known."""
_DECODINGS: Final = 3


def _lines(text: str) -> Iterator[str]:
    """What stands in a mail that would stand in no other text, without what a template fills in."""
    for part in re.split(r"\n|\{\{.*?\}\}|\{%.*?%\}", text):
        if len(part.strip()) >= _SHORTEST_LINE:
            yield part.strip()


class LogWatch:
    """What was logged, and what must not be in it."""

    def __init__(self) -> None:
        self.lines: dict[str, str] = {}
        """Each line as it was written, without its time, with the logger and the event that it is named by."""
        self._private: dict[str, str] = {}
        for name in _NAMES:
            self.keep_private("a name", [name] if len(name) >= _SHORTEST_NAME else [])
        for template in _TEMPLATES.glob("*.md"):
            self.keep_private("the text of a mail", _lines(template.read_text()))

    def keep_private(self, kind: str, values: Iterable[str]) -> None:
        """From now on these values must not have been logged, nor be."""
        self._private.update((value, kind) for value in values if value)

    def keep_mail_private(self, text: str) -> None:
        """The same, of what is written in a mail."""
        self.keep_private("the text of a mail", _lines(text))

    def note(self, logger: str, event: str, line: str) -> None:
        """A line left the sink."""
        self.lines.setdefault(line.partition(" ")[2] or line, f"{logger}: {event}")

    def read(self, file: Path) -> None:
        """The log of a process that has ended."""
        if file.exists():
            for line in file.read_text(errors="replace").splitlines():
                event = line.partition("] ")[2].partition(" ")[0]
                self.note("a process", event, line)

    def take_leaks(self) -> list[str]:
        """What was found in all that was noted since the last time: the logger, the event and the kind of value."""
        found = [f"{where} shows {kind}" for line, where in self.lines.items() for kind in self._kinds(line)]
        self.lines.clear()
        return list(dict.fromkeys(found))

    def _kinds(self, line: str) -> Iterator[str]:
        seen = [line]
        for _ in range(_DECODINGS):
            seen.append(unquote(seen[-1].replace(r"\u0040", "@")))
        text = "\n".join(dict.fromkeys(seen))
        if _ADDRESS.search(text):
            yield "an address"
        if _TOKEN.search(text):
            yield "a token"
        yield from sorted({kind for value, kind in self._private.items() if value in text})


WATCH: Final = LogWatch()
_ENDED = "Personal data reached the log:\n"


class _Nowhere(io.StringIO):
    def isatty(self) -> bool:
        return False


@pytest.fixture(scope="session", autouse=True)
def _every_sink_is_watched() -> Iterator[None]:
    """Whatever any sink in this process writes is noted; what came after the last test counts, too."""
    render = Sink.format

    def watched(self: Sink, record: logging.LogRecord) -> str:
        event = record.msg.get("event", "") if isinstance(record.msg, dict) else "warning"
        line = render(self, record)
        WATCH.note(record.name, str(event).partition(" ")[0], line)
        return line

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sink, "format", watched)
        yield
    _fail_for(WATCH.take_leaks())


@pytest.fixture(autouse=True)
def logged(_every_sink_is_watched: None) -> Iterator[Callable[[], str]]:
    """What was logged in this test so far, at `debug`; the test fails at its end if it holds personal data."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = _Nowhere()
    set_up_logging(json=False, level="debug", stream=stream)
    yield stream.getvalue
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    _fail_for(WATCH.take_leaks())


def _fail_for(leaks: list[str]) -> None:
    if leaks:
        pytest.fail(_ENDED + "\n".join(leaks), pytrace=False)

"""Logging: events with fields, one line each. Sensitive data is redacted here, at the sink."""

import copy
import logging
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, TextIO
from urllib.parse import quote

import structlog

from bot.log.recent import RecentLines
from bot.log.redaction import escape, redact, render_traceback, summarize

_TALKATIVE: Final = (
    "aiohttp",
    "aiosqlite",
    "alembic",
    "apscheduler",
    "asyncio",
    "asyncpg",
    "httpcore",
    "httpx",
    "markdown_it",
    "slack_bolt",
    "slack_sdk",
    "sqlalchemy",
)
_SLACK: Final = "slack_"
"""The prefix of the names of Bolt's and the SDK's loggers; both include bodies in their messages."""
_MAX_LENGTH: Final = 8_000
"""Maximum characters of one value; a longer one is cut."""
_MARGIN: Final = 500
_SHORTEST: Final = 8
"""Minimum characters of a secret: a shorter one may be a part of any word."""
_SELDOM: Final = 60.0
"""The seconds within which a repeated library message is logged only once."""
_MANY: Final = 1_000
_OWN_LINES: Final = frozenset({"exception", "stack"})
"""Fields that the renderer prints on their own lines; only a traceback may."""


def slack_logger() -> logging.Logger:
    """Return the logger for Bolt and the SDK.

    Without one, Bolt gives its own logger the level of the root (`slack_bolt.logger`), and would log requests at
    `debug`.
    """
    logger = logging.getLogger("slack_bolt")
    logger.setLevel(logging.WARNING)
    return logger


@dataclass(slots=True)
class _Said:
    at: float
    again: int = 0
    """How often the message was repeated since then."""


@dataclass(slots=True)
class _Repeats:
    """Library messages, to suppress repeats within a minute."""

    said: dict[object, _Said] = field(default_factory=dict)

    def since(self, what: object, at: float) -> int | None:
        """Return how many repeats were suppressed since this message was last logged; None if it must be suppressed
        too.
        """
        before = self.said.get(what)
        if before is not None and 0 <= at - before.at < _SELDOM:
            before.again += 1
            return None
        if len(self.said) >= _MANY:
            self.said.clear()
        self.said[what] = _Said(at)
        return 0 if before is None else before.again


class Sink(logging.StreamHandler[TextIO]):
    """Writes the bot's events as they are, and only warnings and errors of libraries, each without the content it
    quotes.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """Without a stream, it writes to standard error, which a progress bar replaces while it is shown."""
        super().__init__(stream)
        self.recent: logging.Handler | None = None
        """Gets the same lines, if they are kept."""
        self._follows_stderr = stream is None
        self._repeats = _Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, unless it must not be logged."""
        if self._follows_stderr:
            self.stream = sys.stderr
        ours = hasattr(record, "_logger")  # by which structlog's formatter knows them, too
        shown = record if ours else self._of_library(record)
        if shown is not None:
            super().emit(shown)
            if self.recent is not None:
                self.recent.emit(shown)

    def close(self) -> None:
        """Close the file of the kept lines, too."""
        if self.recent is not None:
            self.recent.close()
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's own name
        """Report the failed write. The default of `logging` would print the record with all its content."""
        with suppress(OSError, ValueError):  # nobody is left to tell
            self.stream.write(f"A line of {escape(record.name)} could not be written to the log.\n")

    def _of_library(self, record: logging.LogRecord) -> logging.LogRecord | None:
        if record.levelno < logging.WARNING:
            return None
        try:
            message = record.getMessage()
        except (AttributeError, LookupError, RuntimeError, TypeError, ValueError):  # the arguments do not fit
            message = str(record.msg)
        for sign in "({:" if record.name.startswith(_SLACK) else "{":  # a body begins here
            message = message.partition(sign)[0]
        if "`token` will be unused" in message:  # Bolt reads SLACK_BOT_TOKEN by itself, and needs it no more
            return None
        line = message.partition("\n")[0].rstrip()
        error = record.exc_info[0] if record.exc_info else None
        template = str(record.msg).partition("\n")[0] if record.args else line
        again = self._repeats.since((record.name, template, error), record.created)
        if again is None:
            return None
        shown = copy.copy(record)
        shown.msg, shown.args = (f"{line} (and {again} more)" if again else line), None
        return shown


def set_up_logging(
    *,
    json: bool,
    level: str,
    stream: TextIO | None = None,
    colors: bool = False,
    secrets: Iterable[str] = (),
    recent: Path | None = None,
) -> None:
    """Send all records, of the bot and of libraries, through one redacting handler, which replaces any earlier setup.

    `stream` is standard error by default. `secrets` are redacted wherever they occur; addresses and tokens are found by
    their form. The last lines are kept in the file `recent`, if there is one.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    as_json: structlog.typing.Processor = structlog.processors.JSONRenderer()
    on_console = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
    cleaner = _Cleaner(secrets)

    def written_by(renderer: structlog.typing.Processor) -> logging.Formatter:
        meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
        return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[meta, cleaner, renderer])

    handler = Sink(stream)
    handler.setLevel(level.upper())
    handler.setFormatter(written_by(as_json if json else on_console))
    if recent is not None:
        handler.recent = RecentLines(recent)
        handler.recent.setFormatter(written_by(as_json))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)  # `bot.app.scheduler` has words of its own
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def clean_lines(lines: Iterable[str], *, secrets: Iterable[str]) -> list[str]:
    """Return lines that something else wrote as this log would have written them, without what it redacts."""
    cleaner = _Cleaner(secrets)
    return [cleaner.text(line) for line in lines]


def log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log an error that ends the process, as `sys.excepthook`. Python's own hook would print it without the sink."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger().critical("uncaught", exc_info=error)


class _Cleaner:
    """Redacts each value separately: in a rendered line, a redaction could remove a quotation mark as well."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {each for secret in secrets if len(secret) >= _SHORTEST for each in (secret, quote(secret, safe=""))}
        longest_first = sorted(known, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def __call__(self, _logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        """Clean the fields and add the traceback, the only field that may span several lines."""
        given = event.pop("exc_info", None)
        cleaned = {self._key(key): self._value(value) for key, value in event.items()}
        error = given[1] if isinstance(given, tuple) else given
        if error is True:
            error = sys.exception()
        if isinstance(error, BaseException):
            cleaned["exception"] = self._secrets.sub("<secret>", render_traceback(error))
        return cleaned

    def _key(self, key: str) -> str:
        name = self.text(key)
        return f"{name}_" if name in _OWN_LINES else name

    def _value(self, value: object) -> object:
        match value:
            case None | bool() | int() | float():
                return value
            case dict():
                return {self.text(str(key)): self._value(each) for key, each in value.items()}
            case list() | tuple():
                return [self._value(each) for each in value]
            case BaseException():
                return self.text(summarize(value))
            case _:
                return self.text(value if isinstance(value, str) else repr(value))

    def text(self, text: str) -> str:
        """Return a text on one line, without what must not be logged."""
        some = escape(redact(self._secrets.sub("<secret>", text[: 2 * _MAX_LENGTH])))
        if len(text) <= 2 * _MAX_LENGTH and len(some) <= _MAX_LENGTH:
            return some
        # Close to the cut there may be part of an address, which cannot be told from an ordinary word.
        shown = some[: min(_MAX_LENGTH, len(some) - _MARGIN)]
        return f"{shown}… ({len(text)} characters)"

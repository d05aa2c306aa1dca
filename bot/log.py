"""Logging: events with fields, one line each; addresses and tokens are taken out here, at the sink."""

import logging
import re
import sys
from typing import Final, TextIO

import structlog

_WORD: Final = r"[^\s@<>\"'(),:;=\[\]{}]"
_SECRETS: Final = (
    (re.compile(r"xox[a-z]-[\w-]+|xapp-[\w-]+"), "<token>"),
    (re.compile(r"(?<=ticket=)[\w-]+"), "<ticket>"),  # opens one connection of Socket Mode
    (re.compile(r"https://hooks\.slack\.com/\S+|/response/\S+"), "<response url>"),
    (re.compile(r"Basic [A-Za-z0-9+/=]{8,}"), "<credentials>"),
    # It begins where a word begins: looked for at every letter of a very long word, it would take minutes.
    (re.compile(rf"(?<!{_WORD}){_WORD}++@{_WORD}+\.{_WORD}+"), "<address>"),
)
_TALKATIVE: Final = (
    "apscheduler",
    "httpx",
    "httpcore",
    "slack_bolt",
    "slack_sdk",
    "aiosqlite",
    "alembic",
    "aiohttp.access",
)


def redact(line: str) -> str:
    """The line without mail addresses, tokens and credentials."""
    for pattern, instead in _SECRETS:
        line = pattern.sub(instead, line)
    return line


def _redacted(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Redact each value by itself: in a line of JSON, what is taken out could take a quotation mark with it."""
    return {key: _plain(value) for key, value in event.items()}


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            return {redact(str(key)): _plain(each) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return redact(value if isinstance(value, str) else repr(value))


class _Redacting(structlog.stdlib.ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def set_up_logging(*, json: bool, level: str, stream: TextIO = sys.stderr) -> None:
    """Send everything, ours and the libraries', through one redacting handler; replaces what was set up before."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, _redacted, structlog.processors.JSONRenderer()]
        if json
        else [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)]
    )
    handler = logging.StreamHandler(stream)
    formatter = structlog.stdlib.ProcessorFormatter if json else _Redacting
    handler.setFormatter(
        formatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # Bolt reads SLACK_BOT_TOKEN by itself, and says at each start that it has no use for it.
    logging.getLogger("slack_bolt.AsyncApp").addFilter(
        lambda record: "`token` will be unused" not in record.getMessage()
    )
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
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

"""What goes into a bug report, piece by piece from a list of what may. Nobody's name, address or account is on it."""

import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any, Final

from bot.domain.health import PollOutcome
from bot.errors import BotError
from bot.services.operations.alerts import POLL_CODES
from bot.slack.client.errors import KNOWN_CODES
from bot.store.diagnostics import DatabaseFacts

CODES: Final = KNOWN_CODES | set(POLL_CODES)
"""The codes of incidents that may be shown."""
_SHOWN: Final = frozenset(
    {
        "first_run_days",
        "http_port",
        "log_format",
        "log_level",
        "mail_at_most_every",
        "mail_hold",
        "metrics",
        "metrics_port",
        "poll_every",
        "reactions",
        "retention",
        "smtp_port",
        "smtp_tls",
        "sweep_every",
    }
)
"""Settings whose value is shown if it is a number, a duration or one word. Of the others, only the length is."""
_PLAIN: Final = re.compile(
    r"\d{1,5} ?[smhd]?|on|off|none|tls|starttls|console|json|debug|info|warning|error", re.IGNORECASE
)
_FIGURE: Final = re.compile(r"[a-z][a-z_]{1,39}")
"""The name of a figure of `/health`. Its sentences and the host of the leader stay out, because they are texts."""
_SAMPLE: Final = re.compile(
    r"(?:evaluator_bot|process|python)_\w+(?:\{(?:\w+=\"[\w.+-]*\",?)*\})? [-+\w.]+", re.ASCII | re.IGNORECASE
)


def versions() -> dict[str, Any]:
    """Return what runs: the bot, Python, the system, and each package that the bot needs."""
    needed = [line for line in requires("evaluator-bot") or () if "'dev'" not in line and '"dev"' not in line]
    names = sorted({re.split(r"[^\w.-]", line)[0].lower() for line in needed})
    packages = {name: found for name in names if (found := _version(name)) is not None}
    return {
        "evaluator_bot": version("evaluator-bot"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "packages": packages,
    }


def settings(names: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return for each setting whether it is set. `given` has the texts of those that are."""
    return {name.upper(): _setting(name, given.get(name)) for name in sorted(names)}


def health(text: str) -> dict[str, Any]:
    """Return the figures in what `/health` answered."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return {"answer": "not of this bot"}
    problems = found.get("problems")
    figures = {name: value for name, value in sorted(found.items()) if _FIGURE.fullmatch(name) and _is_figure(value)}
    return {**figures, "problems": len(problems) if isinstance(problems, list) else None}


def metrics(text: str) -> str:
    """Return the lines of what `/metrics` answered that are figures of the bot or its process."""
    return "".join(f"{line}\n" for line in text.splitlines() if _SAMPLE.fullmatch(line))


def database(facts: DatabaseFacts | BotError) -> dict[str, Any]:
    """Return the facts, or which kind of error stands in the way."""
    return {"error": type(facts).__name__} if isinstance(facts, BotError) else asdict(facts)


def _setting(name: str, text: str | None) -> str:
    if not text:
        return "not set"
    if name in _SHOWN and _PLAIN.fullmatch(text.strip()):
        return text.strip()
    return f"set, {len(text)} characters"


def _is_figure(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float) or value in tuple(PollOutcome)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # an extra that is not installed
        return None

"""Read what a person types after `/evaluators`: the only reader of commands, a pure function."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from bot.domain.away import AwayCommand, read_away
from bot.domain.command_line import CommandLine, guess, join_line, recognize, split_line
from bot.domain.listing import NO_FILTERS, SOON, Filters, FindQuery, ListKind, ListQuery, Status
from bot.domain.report_request import ReportKind, ReportRequest
from bot.domain.target_parser import bare_line

MOST_CHARACTERS: Final = 200
"""Of the words that are looked for, and of the value of a filter."""
MOST_WORDS: Final = 10
MOST_DAYS: Final = 31
"""Days in one list."""
_WEEK_DAYS: Final = 7
_YEARS: Final = range(2000, 3000)
_MOST_AHEAD: Final = 366
_DAY: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_SPAN: Final = re.compile(r"(\d{1,4})\s*(d|days?|w|weeks?)?", re.ASCII | re.IGNORECASE)


class Word(StrEnum):
    """The first words that the slash command knows, in the order of the help."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "week"
    MINE = "mine"
    UNOWNED = "unowned"
    EXPIRING = "expiring"
    WAITING = "waiting"
    FIND = "find"
    REPORT = "report"
    HEALTH = "health"
    AWAY = "away"
    BACK = "back"
    DNC = "dnc"
    HELP = "help"


class Filter(StrEnum):
    """The filters of lists and of `find`."""

    APP = "app"
    STATE = "state"
    OWNER = "owner"
    COUNTRY = "country"
    ENDING = "ending"
    SINCE = "since"


class ProblemKind(StrEnum):
    """Why a command cannot be followed."""

    UNKNOWN_COMMAND = "unknown command"
    UNKNOWN_REPORT = "unknown report"
    UNKNOWN_FILTER = "unknown filter"
    UNKNOWN_VALUE = "unknown value"
    """The value of a filter is not one that it takes."""
    WRONG_DAY = "wrong day"
    """A day that is in no calendar, or too many days."""
    ONE_WORD_TOO_MANY = "one word too many"
    TWICE = "twice"
    """A filter is given twice."""
    NO_LIST = "no list"
    """There are filters, and no list that they narrow down."""
    NO_WORDS = "no words"
    """Nothing is said that could be found."""
    TOO_LONG = "too long"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandProblem:
    """Why a command cannot be followed, with what would do instead."""

    kind: ProblemKind
    given: str = ""
    """The word that is the problem, as typed."""
    about: str = ""
    """The command or the filter that it was given to."""
    valid: tuple[str, ...] = ()
    meant: str | None = None
    """The valid word that was probably meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCommand:
    """A command that is no list: its word, and the line after it."""

    word: Word
    rest: CommandLine


Command = ListQuery | FindQuery | ReportRequest | AwayCommand | OtherCommand

_LISTS: Final = frozenset({Word.TODAY, Word.YESTERDAY, Word.WEEK, Word.MINE, Word.UNOWNED, Word.EXPIRING, Word.WAITING})
_REPORT_FILTERS: Final = (Filter.APP, Filter.SINCE)
_SYNONYMS: Final = {"search": Word.FIND, "unclaimed": Word.UNOWNED, "my": Word.MINE, "?": Word.HELP}
_NAMED_DAYS: Final[Mapping[str, int]] = {Word.TODAY: 0, Word.YESTERDAY: 1}
_STATES: Final = {"expired": Status.ENDED, "canceled": Status.CANCELLED, "notforus": Status.NOT_FOR_US}


def read_command(text: str, *, today: date) -> Command | CommandProblem:
    """Return what a line asks for, or why it cannot be followed. `today` is the date in the team's time zone."""
    line = split_line(bare_line(text))
    if not line.words:
        kind, valid = ProblemKind.NO_LIST, tuple(sorted(_LISTS, key=list(Word).index))
        return CommandProblem(kind=kind, valid=valid) if line.filters else _other(Word.HELP, line)
    first, *others = line.words
    rest = CommandLine(words=tuple(others), filters=line.filters)
    if _DAY.match(first):
        return _of_days(first, rest, today=today)
    known = recognize(first, [*Word, *_SYNONYMS])
    if known is None:
        kind = ProblemKind.UNKNOWN_COMMAND
        return CommandProblem(kind=kind, given=first, valid=tuple(Word), meant=guess(first, Word))
    word = _SYNONYMS.get(known) or Word(known)
    match word:
        case Word.FIND:
            found: Command | CommandProblem = _find(rest, today=today)
        case Word.REPORT:
            found = _report(rest, today=today)
        case Word.AWAY:
            found = _away(rest, today=today)
        case _:
            found = _list(word, rest, today=today) if word in _LISTS else _other(word, rest)
    return found


def write_command(query: ListQuery | FindQuery) -> str:
    """Return a line that `read_command` reads as this query, on any later day, too."""
    match query:
        case FindQuery():
            words = [Word.FIND.value, *query.words]
        case ListQuery(kind=ListKind.DAYS, first=first, last=last):
            words = [f"{first}" if first == last else f"{first}..{last}"]
        case ListQuery(kind=ListKind.EXPIRING):
            words = [Word.EXPIRING.value, f"{query.within}d"]
        case _:
            words = [query.kind.value]
    return join_line(CommandLine(words=tuple(words), filters=tuple(write_filters(query.filters))))


def read_filters(
    line: CommandLine, *, today: date, allowed: Iterable[Filter] = tuple(Filter)
) -> Filters | CommandProblem:
    """Return the filters of a line, or what is wrong with one of them."""
    allowed = tuple(allowed)
    values: dict[str, Any] = {}
    for typed, value in line.filters:
        name = recognize(typed, allowed)
        if name is None:
            kind = ProblemKind.UNKNOWN_FILTER
            return CommandProblem(kind=kind, given=typed, valid=allowed, meant=guess(typed, allowed))
        if name in values:
            return CommandProblem(kind=ProblemKind.TWICE, given=name)
        if len(value) > MOST_CHARACTERS:
            return CommandProblem(kind=ProblemKind.TOO_LONG, about=name)
        values[name] = _READERS[Filter(name)](value, today)
        if values[name] is None:
            states = tuple(Status) if name == Filter.STATE else ()
            kind, meant = ProblemKind.UNKNOWN_VALUE, guess(value, states)
            return CommandProblem(kind=kind, given=value, about=name, valid=states, meant=meant)
    return Filters(**values) if values else NO_FILTERS


def write_filters(filters: Filters) -> list[tuple[str, str]]:
    """Return filters as they can be typed, each with its name."""
    named = ((each.value, getattr(filters, each)) for each in Filter)
    return [(name, f"{value}d" if name == Filter.ENDING else str(value)) for name, value in named if value is not None]


def _other(word: Word, rest: CommandLine) -> OtherCommand:
    return OtherCommand(word=word, rest=rest)


def _list(word: Word, rest: CommandLine, *, today: date) -> ListQuery | CommandProblem:
    within: int | None = None
    if word is Word.EXPIRING and rest.words:
        within = _days(" ".join(rest.words), today)
        if within is not None:
            rest = CommandLine(filters=rest.filters)
    if rest.words:
        return CommandProblem(kind=ProblemKind.ONE_WORD_TOO_MANY, given=rest.words[0], about=word, valid=tuple(Filter))
    filters = read_filters(rest, today=today)
    if isinstance(filters, CommandProblem):
        return filters
    match word:
        case Word.TODAY:
            return ListQuery.of_days(today, filters=filters)
        case Word.YESTERDAY:
            return ListQuery.of_days(today - timedelta(days=1), filters=filters)
        case Word.WEEK:
            return ListQuery.of_days(today - timedelta(days=_WEEK_DAYS - 1), today, filters=filters)
        case _:
            return ListQuery(kind=ListKind(word.value), within=SOON if within is None else within, filters=filters)


def _of_days(typed: str, rest: CommandLine, *, today: date) -> ListQuery | CommandProblem:
    """Return the list of a day, or of several: `2026-11-24..2026-11-30`."""
    first_text, _, last_text = typed.partition("..")
    first = _day(first_text)
    last = _day(last_text) if last_text else first
    if first is None or last is None or not 0 <= (last - first).days < MOST_DAYS:
        return CommandProblem(kind=ProblemKind.WRONG_DAY, given=typed)
    found = _list(Word.TODAY, rest, today=today)
    return found if isinstance(found, CommandProblem) else ListQuery.of_days(first, last, filters=found.filters)


def _away(rest: CommandLine, *, today: date) -> AwayCommand | CommandProblem:
    given = " ".join(rest.words)
    problem = CommandProblem(kind=ProblemKind.WRONG_DAY, given=given, about=Word.AWAY)
    return read_away(given, today=today) or problem


def _find(rest: CommandLine, *, today: date) -> FindQuery | CommandProblem:
    if len(" ".join(rest.words)) > MOST_CHARACTERS or len(rest.words) > MOST_WORDS:
        return CommandProblem(kind=ProblemKind.TOO_LONG, about=Word.FIND)
    filters = read_filters(rest, today=today)
    if isinstance(filters, CommandProblem):
        return filters
    return FindQuery(words=rest.words, filters=filters) if rest.words else CommandProblem(kind=ProblemKind.NO_WORDS)


def _report(rest: CommandLine, *, today: date) -> ReportRequest | CommandProblem:
    typed, *others = rest.words or (ReportKind.CONVERSION.value,)
    kind = recognize(typed, ReportKind)
    if kind is None:
        problem, meant = ProblemKind.UNKNOWN_REPORT, guess(typed, ReportKind)
        return CommandProblem(kind=problem, given=typed, valid=tuple(ReportKind), meant=meant)
    if others:
        problem = ProblemKind.ONE_WORD_TOO_MANY
        return CommandProblem(kind=problem, given=others[0], about=Word.REPORT, valid=_REPORT_FILTERS)
    filters = read_filters(rest, today=today, allowed=_REPORT_FILTERS)
    if isinstance(filters, CommandProblem):
        return filters
    return ReportRequest(kind=ReportKind(kind), app=filters.app, since=filters.since)


def _day(text: str) -> date | None:
    found = _DAY.fullmatch(text)
    try:
        day = date(*map(int, found.groups())) if found else None
    except ValueError:
        return None
    return day if day is not None and day.year in _YEARS else None


def _days(text: str, today: date) -> int | None:
    """Return a number of days: 3, 3d, 3 days, 2 weeks."""
    del today
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    days = int(found[1]) * (_WEEK_DAYS if (found[2] or "d").lower().startswith("w") else 1)
    return days if days <= _MOST_AHEAD else None


def _since(text: str, today: date) -> date | None:
    """Return a day: 2026-11-03, today, yesterday, or 7d for seven days ago."""
    named = recognize(text, _NAMED_DAYS)
    ago = _days(text, today) if named is None else _NAMED_DAYS[named]
    return _day(text) if ago is None else today - timedelta(days=ago)


def _state(text: str, today: date) -> Status | None:
    del today
    text = "-".join(text.lower().split())
    return _STATES.get(text) or (Status(text) if text in set(Status) else None)


def _text(text: str, today: date) -> str | None:
    del today
    return text or None


_READERS: Final[Mapping[Filter, Callable[[str, date], Any]]] = {
    Filter.APP: _text,
    Filter.STATE: _state,
    Filter.OWNER: _text,
    Filter.COUNTRY: _text,
    Filter.ENDING: _days,
    Filter.SINCE: _since,
}
"""Read the value of each filter; None for a value that it does not take."""

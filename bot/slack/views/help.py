"""The help for the slash command, and why a command cannot be followed."""

from collections.abc import Iterable
from typing import Final

from bot.domain.commands import MOST_CHARACTERS, MOST_DAYS, MOST_WORDS, CommandProblem, Filter, ProblemKind, Word
from bot.slack import ids
from bot.slack.blocks import Message, paragraphs, section, small
from bot.slack.text import escape, mention

HOW_TO_ASK: Final = "Ask me about a company, a site, a number or an email address: “who is acme?”"
_MOST_NAMED: Final = 20
"""Valid values in an answer."""
_COMMANDS: Final = {
    Word.TODAY: ("trials that started or arrived today; a date lists another day", "2026-11-03"),
    Word.YESTERDAY: ("the same for yesterday", "yesterday app:gantt"),
    Word.WEEK: ("the last seven days", "week state:bought"),
    Word.MINE: ("running trials that you own, the first to end first", "mine ending:3d"),
    Word.UNOWNED: ("running trials that nobody owns", "unowned country:DE"),
    Word.EXPIRING: ("trials that end within 7 days, or as many as you say", "expiring 14d owner:none"),
    Word.WAITING: ("people who wrote to us and have no answer yet", "waiting owner:me"),
    Word.FIND: (
        (
            "finds companies, sites, email domains, entitlement numbers, apps and whole email addresses; names of "
            "contacts are encrypted and can't be searched"
        ),
        "find acme state:running",
    ),
    Word.REPORT: (
        "how many trials were bought; `report speed` and `report team` look at the team's own work",
        "report speed app:gantt since:2026-06-01",
    ),
    Word.HEALTH: ("whether the report is being read, how late trials are seen, and what can't be read", "health"),
    Word.AWAY: (
        "the rotation gives you no evaluations until you are `back`, or through the day that you name",
        "away until 2026-12-07",
    ),
    Word.BACK: ("you take evaluations again", "back"),
    Word.DNC: (
        "the do-not-contact list; `dnc add` blocks somebody, `dnc lift` unblocks them",
        "dnc add ana@acme.example",
    ),
    Word.HELP: ("this list", "help"),
}
"""What each command does, with an example."""
_FILTERS: Final = {
    Filter.APP: "`app:gantt`",
    Filter.STATE: "`state:running` (or `bought`, `licensed`, `ended`, `cancelled`, `done`, `not-for-us`, `expected`)",
    Filter.OWNER: "`owner:me` (or `none`, or a name)",
    Filter.COUNTRY: "`country:DE`",
    Filter.ENDING: "`ending:3d`",
    Filter.SINCE: "`since:2026-11-01` (when the trial started)",
}
_EXPECTED: Final = {
    Filter.OWNER: "Use `owner:me`, `owner:none`, or the name of one of these people:",
    Filter.COUNTRY: "Use a country code such as `country:DE`, or its name in English.",
    Filter.ENDING: "Use a number of days such as `ending:3d`, at most a year.",
    Filter.SINCE: "Use a day such as `since:2026-11-01`, or a number of days such as `since:7d`.",
}


def help_message(problem: CommandProblem | None = None) -> Message:
    """Return what the slash command can do, after the word that it does not know, if there is one."""
    first = "*Evaluator Bot* understands:" if problem is None else f"{_unknown_command(problem)} Try:"
    lines = [
        f"`{ids.COMMAND} {word}`  {what}" + (f" · `{line}`" if line != word else "")
        for word, (what, line) in _COMMANDS.items()
    ]
    filters = f"Filters for lists and for `find`: {', '.join(_FILTERS.values())}. Put names with spaces in quotes."
    foot = (
        "On a card: *Email…* writes to the contact, *Claim* makes you the owner, *Do not contact…* stops all email to "
        "them. Its menu ⋯ has notes, *Done*, snoozes and *Not for us…*."
    )
    return Message(text=first, blocks=[*paragraphs([first, *lines]), section(filters), small(foot)])


def problem_message(problem: CommandProblem) -> Message:
    """Return why a command cannot be followed, and what would do."""
    is_command = problem.kind is ProblemKind.UNKNOWN_COMMAND
    if is_command and not problem.meant:
        return help_message(problem)
    text = _unknown_command(problem) if is_command else problem_text(problem)
    return Message(text=text, blocks=[section(text), small(f"`{ids.COMMAND} help` lists everything.")])


def _unknown_command(problem: CommandProblem) -> str:
    return (
        f"Unknown command “{escape(problem.given, longest=80)}”.{_meant(problem, f'`{ids.COMMAND} {problem.meant}`')}"
    )


def problem_text(problem: CommandProblem) -> str:
    """Return why a command cannot be followed, in mrkdwn."""
    given, about = escape(problem.given, longest=80), problem.about
    match problem.kind:
        case ProblemKind.UNKNOWN_FILTER:
            said = f"Unknown filter “{given}:”.{_meant(problem, f'`{problem.meant}:`')} Filters: {_filters(problem)}."
        case ProblemKind.UNKNOWN_REPORT:
            known = _named(problem.valid)
            said = f"There is no report “{given}”.{_meant(problem, f'`{problem.meant}`')} Reports: {known}."
        case ProblemKind.UNKNOWN_VALUE:
            meant = _meant(problem, f"“{escape(problem.meant or '', longest=60)}”")
            said = f"`{about}:` can't be “{given}”.{meant} {_expected(problem)}"
        case ProblemKind.WRONG_DAY if about == Word.AWAY:
            said = f"“{given}” isn't a day in the coming year. Use `away until 2026-12-07`, or `away` without a day."
        case ProblemKind.WRONG_DAY:
            said = (
                f"“{given}” isn't a day that can be listed. Use a day such as `2026-11-03`, or at most {MOST_DAYS} "
                "days such as `2026-11-01..2026-11-07`."
            )
        case ProblemKind.ONE_WORD_TOO_MANY:
            said = f"`{about}` takes no “{given}”. {_taken(problem)}"
        case ProblemKind.TWICE:
            said = f"`{given}:` is there twice. Use it once."
        case ProblemKind.NO_LIST:
            said = f"Say which list the filters are for: {_named(problem.valid)}, a day, or `find` with words."
        case ProblemKind.NO_WORDS:
            said = f"Say what to find: `{ids.COMMAND} find acme`."
        case _:
            said = f"That is too long for `{about}`: use at most {MOST_CHARACTERS} characters and {MOST_WORDS} words."
    return said


def _expected(problem: CommandProblem) -> str:
    named = problem.valid[:_MOST_NAMED]
    match problem.about:
        case Filter.STATE:
            return f"Use one of {_named(problem.valid)}."
        case Filter.APP:
            return f"Your apps: {', '.join(escape(name, longest=60) for name in named) or 'none yet'}."
        case Filter.OWNER:
            return f"{_EXPECTED[Filter.OWNER]} {', '.join(map(mention, named)) or 'nobody yet'}."
        case _:
            return _EXPECTED[Filter(problem.about)]


def _taken(problem: CommandProblem) -> str:
    """Return what may stand after a command."""
    if problem.about == Word.EXPIRING:
        return "Say in how many days, at most a year: `expiring 7d`."
    return f"Filters: {_filters(problem)}. To search for a company, use `{ids.COMMAND} find`."


def _meant(problem: CommandProblem, shown: str) -> str:
    return f" Did you mean {shown}?" if problem.meant else ""


def _filters(problem: CommandProblem) -> str:
    return _named(f"{name}:" for name in problem.valid)


def _named(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)

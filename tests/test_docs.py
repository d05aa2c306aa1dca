"""The docs describe exactly what exists: settings, commands, slash words, log events, files."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from bot.cli.main import cli
from bot.config.env_file import read_env_file
from bot.config.settings import Settings
from bot.domain.commands import Filter, Word

ROOT = Path(__file__).parent.parent
BOT = ROOT / "bot"
NAMES = [name.upper() for name in Settings.model_fields]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
INSTALL = (ROOT / "docs" / "install.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def _section(text: str, heading: str) -> str:
    """Return a section without the ones of its own level that follow."""
    level = heading.partition(" ")[0]
    return re.split(rf"^{level} ", text.partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def _first_cells(text: str) -> list[str]:
    return re.findall(r"^\| (.+?) \|", text, re.MULTILINE)


# --- Settings ------------------------------------------------------------------------------------------------------


def test_the_example_file_has_every_setting_and_no_other() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert sorted(line.partition("=")[0] for line in lines if line and line[0] != "#") == sorted(NAMES)


def test_the_example_file_can_be_read() -> None:
    found = read_env_file(ROOT / ".env.example", known=set(Settings.model_fields), several_lines=())
    assert found.problems == []
    assert found.values["smtp_tls"] == Settings.model_fields["smtp_tls"].default
    assert found.values["secret_key"] == found.values["mail_from"] == ""


def test_the_table_has_every_setting_and_no_other() -> None:
    cells = " ".join(_first_cells(_section(INSTALL, "## Settings")))
    assert sorted(re.findall(r"`([A-Z_]+)`", cells)) == sorted(NAMES)


# --- Commands ------------------------------------------------------------------------------------------------------


def _commands() -> dict[str, list[str]]:
    """Return each command with its options."""

    def walk(command: object, name: str) -> Iterator[tuple[str, list[str]]]:
        if isinstance(command, typer.core.TyperGroup):
            for word, each in command.commands.items():
                yield from walk(each, f"{name} {word}".strip())
        elif isinstance(command, typer.core.TyperCommand):
            names = [option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)]
            yield name, [option for option in names if option.startswith("--")]

    return dict(walk(typer.main.get_command(cli), ""))


COMMANDS = _commands()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_has_every_command_with_its_options(name: str) -> None:
    rows = re.findall(rf"^\| `evaluator-bot {name}[` ].+$", _section(OPERATIONS, "## Commands"), re.MULTILINE)
    assert len(rows) == 1
    assert [option for option in COMMANDS[name] if not re.search(rf"`{option}\b", rows[0])] == []


@each_document
def test_every_command_in_a_document_exists(path: Path) -> None:
    groups = {name.partition(" ")[0] for name in COMMANDS if " " in name}
    for first, rest in re.findall(r"evaluator-bot ([a-z]+)(?: ([a-z|]+))?", path.read_text()):
        named = {f"{first} {word}" for word in rest.split("|")} if first in groups and rest else {first} - groups
        assert named <= COMMANDS.keys()


def test_the_makefile_has_every_target_that_the_documents_name() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in DOCUMENTS:
        assert set(re.findall(r"(?:^|`)make ([a-z]+)", path.read_text(), re.MULTILINE)) <= targets, path.name


# --- Slash words ---------------------------------------------------------------------------------------------------


def _slash_words(module: str) -> set[str]:
    """Return the words that a listener compares what was typed with."""
    tree = ast.parse((BOT / "listeners" / module).read_text())
    matches = [node for node in ast.walk(tree) if isinstance(node, ast.Match)]
    typed = [node for node in matches if "read_words" in ast.unparse(node.subject)]
    patterns = [pattern for match in typed for case in match.cases for pattern in ast.walk(case.pattern)]
    return {
        pattern.value.value
        for pattern in patterns
        if isinstance(pattern, ast.MatchValue)
        and isinstance(pattern.value, ast.Constant)
        and isinstance(pattern.value.value, str)
    }


def test_the_readme_has_every_slash_word_and_no_other() -> None:
    table = _section((ROOT / "README.md").read_text(), "## In Slack")
    assert set(re.findall(r"`/evaluators ([a-z]+)`", table)) == set(Word)
    assert set(re.findall(r"`([a-z]+):", table)) >= set(Filter)
    assert set(re.findall(r"`dnc ([a-z]+)`", table)) == _slash_words("dnc_commands.py")


# --- Log events ----------------------------------------------------------------------------------------------------

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
PASSED_ON = {"bot/listeners/respond.py: otherwise": {"answer_lost", "answer_not_ephemeral"}}
"""Events that reach the log through a variable."""


def _events(node: ast.expr, place: str) -> set[str]:
    match node:
        case ast.Constant(value=str(event)):
            return {event}
        case ast.IfExp(body=body, orelse=orelse):
            return _events(body, place) | _events(orelse, place)
        case _:
            return PASSED_ON[f"{place}: {ast.unparse(node)}"]


@pytest.fixture(scope="module")
def logged_by_bot() -> dict[str, set[str]]:
    """Return every event of the bot, without the demo's, with the levels it is logged at."""
    found: dict[str, set[str]] = {}
    for path in sorted(BOT.rglob("*.py")):
        place = str(path.relative_to(ROOT))
        if place.startswith("bot/demo/"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=logger, attr=level), args=[first, *_]) if (
                    level in LEVELS and ast.unparse(logger) in {"log", "structlog.get_logger()"}
                ):
                    for event in _events(first, place):
                        found.setdefault(event, set()).add(level)
    return found


def _documented(text: str) -> set[str]:
    """Return the events in the first column of the tables. A code span begins with its event."""
    return set(re.findall(r"`([a-z_]+)(?=[` ])", " ".join(_first_cells(text))))


def test_events_that_are_passed_on_are_in_their_module() -> None:
    for place, events in PASSED_ON.items():
        text = (ROOT / place.partition(":")[0]).read_text()
        assert all(f'"{event}"' in text for event in events)


def test_the_tables_have_every_log_event(logged_by_bot: dict[str, set[str]]) -> None:
    assert logged_by_bot.keys() - _documented(_section(OPERATIONS, "## Log lines")) == set()


def test_what_to_do_is_said_for_every_warning_and_error(logged_by_bot: dict[str, set[str]]) -> None:
    lines = _section(OPERATIONS, "## Log lines")
    serious = {event for event, levels in logged_by_bot.items() if levels - {"debug", "info"}}
    assert serious & _documented(_section(f"\n{lines}", "### Normal operation")) == set()
    assert all(
        row.count(" | ") == 2
        for row in lines.partition("### Normal operation")[0].splitlines()
        if row.startswith("| `")
    )


def test_the_tables_have_no_event_that_is_never_logged(logged_by_bot: dict[str, set[str]]) -> None:
    codes = {"invalid_auth", "channel_not_found", "cannot_dm_bot"}
    assert _documented(_section(OPERATIONS, "## Log lines")) - logged_by_bot.keys() <= codes


# --- Links and files -----------------------------------------------------------------------------------------------


def _anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a document."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", path.read_text()):
        found = path.parent / target if target else path
        assert found.exists(), target
        assert not anchor or anchor in _anchors(found), f"{target}#{anchor}"


@each_document
def test_files_and_folders_that_a_document_names_exist(path: Path) -> None:
    for named in re.findall(r"`([a-z_]+(?:/[\w.]+)*(?:/|\.(?:py|toml|yml)))`", path.read_text()):
        made = ("artifacts/", "NNNN")
        assert any(each in named for each in made) or (ROOT / named).exists() or (BOT / named).exists(), named


def test_the_architecture_names_every_folder() -> None:
    folders = {each.relative_to(BOT) for each in BOT.rglob("*") if each.is_dir() and each.name != "__pycache__"}
    ours = {each for each in folders if each.parts[0] != "demo" or len(each.parts) == 1} - {
        Path("store/migrations/versions")
    }
    assert set(_first_cells(_section(ARCHITECTURE, "## Folders"))) - {"folder in `bot/`", "---"} == {
        f"`{each}/`" for each in ours
    }


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in ROOT.glob("docs/decisions/*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/decisions/*.md")), ids=lambda path: path.name)
def test_a_decision_is_numbered_and_fits_on_a_screen(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0].startswith(f"# {int(path.name[:4])}. ")
    assert len(lines) <= 40

"""The shell lines of the operations guide, as they are written."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from bot.cli.main import cli
from bot.store import open_store
from tests.builders import license_
from tests.store.steps import SECRET, report
from tests.test_docs import DOCUMENTS, ROOT

LINE = r"evaluator-bot ((?:--env-file \S+ )?[a-z][^`|>\n]*)"
STUBS = {
    "journalctl": 'echo \'{"event": "running"}\'',
    "docker": """case " $* " in
        *" logs "*) echo a line;;
        *) while [ "$1" != evaluator-bot ]; do shift; done; exec "$@";;
    esac""",
}


def _options(words: list[str]) -> set[str]:
    """Return the options of the command that the words begin with."""
    command = typer.main.get_command(cli)
    found = [*command.params]
    for word in words:
        if isinstance(command, typer.core.TyperGroup) and word in command.commands:
            command = command.commands[word]
            found += command.params
    return {option for parameter in found for option in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_option_that_a_document_gives_a_command_exists(path: Path) -> None:
    for line in re.findall(LINE, path.read_text()):
        words = line.split()
        options = {word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)}
        assert options <= _options([word for word in words if not word.startswith("-")]), line


def _blocks() -> Iterator[str]:
    yield from re.findall(r"```sh\n(.*?)```", (ROOT / "docs/operations.md").read_text(), re.DOTALL)


@pytest.mark.slow
async def test_the_shell_lines_of_the_operations_guide_work(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'evaluators.db'}"
    async with open_store(url, secret_keys=[SECRET]) as store:
        await report(store, license_(app_name="Sprint Lanterns"))
    (tmp_path / "bin").mkdir()
    for name, script in STUBS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o700)
    found = {
        "DATABASE_URL": url,
        "SECRET_KEY": SECRET,
        "PATH": f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin",
    }
    lines = [line for block in _blocks() for line in block.splitlines()]
    assert len(lines) == 4
    for number, line in enumerate(lines):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = subprocess.run(  # noqa: ASYNC221, S603  nothing else runs meanwhile
            ["/bin/bash", "-euo", "pipefail", "-c", line],
            cwd=folder,
            env=found,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, len([*folder.iterdir()])) == (0, 1), done.stderr

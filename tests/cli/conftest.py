"""The command line in this process: a start of Python takes longer than most commands."""

import asyncio
import io
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from bot.cli.main import main
from bot.config.settings import Settings
from tests.config.test_settings import NEEDED
from tests.world import World


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]
RunBeside = Callable[..., Awaitable[Done]]


@pytest.fixture
def _here_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, an environment without a setting, and a process that stays as it was."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("bot.log.setup.set_up_logging", lambda **_: None)  # it would stay set up for every other test


@pytest.fixture
def bare(_here_alone: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with the settings that are given, and no other."""

    def command(*arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Done:
        with monkeypatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["evaluator-bot", *arguments])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
            capsys.readouterr()
            with pytest.raises(SystemExit) as end, structlog.testing.capture_logs() as events:
                main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        logged = "".join(f"{each['event']} {each}\n" for each in events if each["event"] == "unknown_setting")
        return Done(int(end.value.code or 0), said.out, said.err + logged)

    return command


@pytest.fixture
def run(bare: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command with settings that are complete."""
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    return bare


@pytest.fixture
def beside(bare: Run, here: World) -> RunBeside:
    """Run a command while the servers of the world go on."""

    async def command(*arguments: str, stdin: bytes = b"", **changes: object) -> Done:
        os.chdir(here.folder)  # `bare` goes back
        return await asyncio.to_thread(bare, *arguments, stdin=stdin, env=here.environment(**changes))

    return command

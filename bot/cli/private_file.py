"""Write a new file that nobody else on the machine can read."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from bot.errors import BotError

STANDARD_OUTPUT: Final = Path("-")


@contextmanager
def opened(target: Path) -> Iterator[BinaryIO]:
    """Open a new file that nobody else on the machine can read, or standard output.

    A file that was not completed is removed. Raises BotError if it exists or cannot be written.
    """
    if target == STANDARD_OUTPUT:
        with _write_errors("Standard output"):
            yield sys.stdout.buffer
        return
    with _write_errors(str(target)):
        try:
            file = os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
        except FileExistsError as exc:
            raise BotError(f"{target} exists. Name a file that does not.") from exc
        try:
            with file:
                yield file
        except BaseException:
            target.unlink(missing_ok=True)
            raise


@contextmanager
def _write_errors(name: str) -> Iterator[None]:
    """Raise BotError if it cannot be written to; that nobody reads it any more is not an error of ours."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as exc:
        raise BotError(f"{name} cannot be written: {exc.strerror}.") from exc

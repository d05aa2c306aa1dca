"""Write a new file completely or not at all. Only its owner may read it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.errors import StoreError


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yield a file beside `target` to write to, which takes that name at the end; after an error it is gone.

    Raises StoreError, which says what to do, if the file cannot be written, or if `target` exists.
    """
    verify_absent(target)
    part = target.with_name(f"{target.name}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as exc:
        raise StoreError(
            f"{target} cannot be written: {exc.strerror}. Name a file in a folder that exists and that this user may "
            "write to."
        ) from exc
    try:
        yield part
        sync(part)
        part.rename(target)
        sync(target.parent)
    except OSError as exc:
        raise StoreError(f"{target} cannot be written: {exc.strerror}.") from exc
    finally:
        with suppress(OSError):
            part.unlink()


def verify_absent(path: Path | None) -> None:
    """Raise StoreError if the file to be written exists."""
    if path is not None and path.exists():
        raise StoreError(f"{path} exists. Name a file that does not.")


def sync(path: Path) -> None:
    """Write a file or a folder through to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

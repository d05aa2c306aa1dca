"""Settings whose value is in a file of its own: `NAME_FILE`, and the credentials that systemd passes."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SUFFIX: Final = "_file"
_CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
"""Where systemd puts the files of LoadCredential= (systemd.exec(5))."""
_MAX_BYTES: Final = 100_000
"""The largest file size in bytes; a secret has some dozens."""


@dataclass(slots=True)
class FileValues:
    """The values read, by name in lower case, and a sentence for each file that cannot be used."""

    values: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    """Names of settings whose file cannot be used."""


def read_value_files(
    names: Collection[str], written: Mapping[str, str], environment: Mapping[str, str], *, folder: Path
) -> FileValues:
    """Return the values of the settings in `names` that are in files.

    `written` holds what is set, by name in lower case. A relative path is resolved against `folder`. A credential of
    systemd counts only if the setting is given in no other way. One line break at the end of a file is left out.
    """
    found = FileValues()
    for name in sorted(names):
        path = written.get(name + SUFFIX)
        if path and written.get(name):
            found.problems.append(f"{name.upper()} and {(name + SUFFIX).upper()} are both set. Keep one of the two.")
            found.unread.add(name)
        elif path:
            _read(found, name, folder / path, f"{(name + SUFFIX).upper()} names {path}, which")
        elif not written.get(name) and (credentials := environment.get(_CREDENTIALS)):
            credential = Path(credentials) / name
            if os.path.lexists(credential):
                _read(found, name, credential, f"The credential {name}")
    return found


def _read(found: FileValues, name: str, path: Path, what: str) -> None:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        text = content.decode()
    except (OSError, ValueError) as exc:  # ValueError: not UTF-8, or a NUL in the path
        reason = (isinstance(exc, OSError) and exc.strerror) or "it is no text in UTF-8"
        problem = f"{what} cannot be read ({reason}). It should be a file that this user may read."
    else:
        value = text.removesuffix("\n").removesuffix("\r")
        if value.strip() and len(content) <= _MAX_BYTES:
            found.values[name] = value
            return
        problem = f"{what} {'is larger than 100 kB' if value.strip() else 'is empty'}. Put the value alone into it."
    found.problems.append(problem)
    found.unread.add(name)

"""The generation of a database: new ids are above it, so that no id comes twice when the database went back in time.

An id leaves the database: in buttons and metadata in Slack, in return addresses, in links. Restored from a backup, the
database would give the same ids to other rows. So each generation begins at a random multiple of 2^24, above every one
before: two that go on from the same backup have no id in common, but for one chance in a million.
"""

import secrets
from typing import Final

_STEP: Final = 1 << 24
"""Ids of one generation: a vendor with a thousand changes of cards a day needs them up in 45 years."""
_STEPS: Final = 1 << 20


def random_steps() -> int:
    """Return a random number from 1 to 2^20."""
    return secrets.randbelow(_STEPS) + 1


def first_generation() -> int:
    """Return the generation of a new database, at random."""
    return next_generation(0, random_steps())


def next_generation(highest: int, steps: int) -> int:
    """Return the generation that begins so many steps above `highest`, an id or a generation."""
    return (highest // _STEP + steps) * _STEP

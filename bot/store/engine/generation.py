"""The generation of a database. New ids are above it, so that no id is used twice after a restore from a backup.

Ids leave the database: in buttons and metadata in Slack, in return addresses, in links. After a restore from a backup,
the database would give the same ids to other rows. So each generation begins at a random multiple of 2^24, above every
earlier one. Two databases that continue from the same backup share no ids, except with a chance of one in a million.
"""

import secrets
from typing import Final

_STEP: Final = 1 << 24
"""The number of ids in one generation. A vendor with a thousand card changes a day uses them up in 45 years."""
_STEPS: Final = 1 << 20


def random_steps() -> int:
    """Return a random number from 1 to 2^20."""
    return secrets.randbelow(_STEPS) + 1


def first_generation() -> int:
    """Return a random generation for a new database."""
    return next_generation(0, random_steps())


def next_generation(highest: int, steps: int) -> int:
    """Return the generation that begins `steps` steps above `highest`, an id or a generation."""
    return (highest // _STEP + steps) * _STEP

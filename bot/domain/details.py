"""What is known of a customer when one record says more than another."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

from bot.domain.evaluation import License

_DETAILS: Final = (
    "company",
    "country",
    "region",
    "site",
    "tier",
    "technical",
    "billing",
    "partner",
    "opportunity_size",
    "parent_product",
    "parent_edition",
    "channel",
    "days_to_convert",
    "sandbox",
)
"""What the report fills in late, and at times leaves out again for a while.

Not so the edition: by it a trial of a higher one is known to be bought, and that is for one record to say.
"""


def merge_records(known: License, seen: License) -> License:
    """The younger of two records of a license, with every id of both, and each detail as it was last given.

    That a record leaves something out is no statement: the pipeline behind the report is known to blank contacts.
    """
    younger, older = (seen, known) if seen.updated >= known.updated else (known, seen)
    values: dict[str, Any] = {}
    kept: set[tuple[str, date]] = set()
    for detail in _DETAILS:
        given = [one for one in (younger, older) if getattr(one, detail) is not None]
        if not given:
            continue
        # Of two of one day, max takes the first: the younger record.
        source = max(given, key=lambda one: _given_on(one, detail))
        values[detail] = getattr(source, detail)
        if (day := _given_on(source, detail)) < younger.updated:
            kept.add((detail, day))
    return replace(younger, aliases=known.aliases | seen.aliases, carried_over=frozenset(kept), **values)


def _given_on(one: License, detail: str) -> date:
    return next((day for kept, day in one.carried_over if kept == detail), one.updated)

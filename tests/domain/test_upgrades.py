"""What two records of a bought license say about a trial of a higher edition."""

from dataclasses import replace
from datetime import date

import pytest

from bot.domain.changes import Change, Converted, Corrected, Ended, Extended, Refreshed, Started, compare
from bot.domain.evaluation import License, State, Trial
from bot.domain.identity import KnownLicense
from tests.builders import ids, known, license_, nov, trial

CONVERTED = trial(state=State.CONVERTED, ends=None)
SOLD = license_(
    license_type="COMMERCIAL", edition="Standard", tier="50 Users", days_to_convert=3, latest_evaluation=None
)
TRIES = replace(SOLD, upgrade_started=nov(10), upgrade_to="Advanced")
UPGRADE = trial(started=nov(10), ends=date(2026, 12, 10), upgrade_to="Advanced")
UPGRADED = replace(UPGRADE, state=State.CONVERTED, ends=None)
DEC_11 = date(2026, 12, 11)


def upgraded(on: Trial, edition: str = "Advanced") -> Converted:
    return Converted(trial=on, license_type="COMMERCIAL", edition=edition, tier="50 Users", days=3)


@pytest.mark.parametrize(
    ("before", "seen", "changes"),
    ids(
        {
            "tried": (known(SOLD), TRIES, [Started(trial=UPGRADE)]),
            "tried, on a license that was bought after a trial": (
                known(SOLD, CONVERTED),
                replace(TRIES, latest_evaluation=nov(20)),
                [Started(trial=UPGRADE)],
            ),
            "running": (known(TRIES), TRIES, []),
            "running, in a higher edition already": (
                known(TRIES),
                replace(TRIES, edition="Advanced"),
                [Refreshed(trial=UPGRADE)],
            ),
            "begun two days later than thought": (
                known(TRIES),
                replace(TRIES, upgrade_started=nov(12)),
                [
                    Corrected(trial=replace(UPGRADE, started=nov(12), ends=date(2026, 12, 12)), was=UPGRADE),
                    Extended(
                        trial=replace(UPGRADE, started=nov(12), ends=date(2026, 12, 12)), before=date(2026, 12, 10)
                    ),
                ],
            ),
            "named at last": (
                known(TRIES, replace(UPGRADE, upgrade_to="higher")),
                TRIES,
                [Corrected(trial=UPGRADE, was=replace(UPGRADE, upgrade_to="higher"))],
            ),
            "named at last, and cancelled": (
                known(TRIES, replace(UPGRADE, upgrade_to="higher")),
                replace(TRIES, status="cancelled"),
                [
                    Corrected(trial=replace(UPGRADE, state=State.CANCELLED), was=replace(UPGRADE, upgrade_to="higher")),
                    Ended(trial=replace(UPGRADE, state=State.CANCELLED)),
                ],
            ),
            "bought": (known(TRIES), replace(SOLD, edition="Advanced"), [upgraded(UPGRADED)]),
            "given up before its days were over: not known": (known(TRIES), SOLD, []),
            "given up": (
                known(TRIES),
                replace(SOLD, updated=DEC_11),
                [Ended(trial=replace(UPGRADE, state=State.EXPIRED))],
            ),
            "past its thirty days, and spoken of for ever": (
                known(TRIES),
                replace(TRIES, updated=DEC_11),
                [Ended(trial=replace(UPGRADE, state=State.EXPIRED, reported_on=DEC_11))],
            ),
            "bought after its days were over": (
                known(TRIES, replace(UPGRADE, state=State.EXPIRED)),
                replace(SOLD, edition="Advanced", updated=DEC_11),
                [upgraded(UPGRADED)],
            ),
            "bought once": (known(SOLD, UPGRADED), replace(SOLD, edition="Advanced"), []),
            "long over at first sight": (
                None,
                replace(TRIES, upgrade_started=date(2026, 3, 1)),
                [
                    Started(
                        trial=(
                            past := trial(
                                started=date(2026, 3, 1),
                                ends=date(2026, 3, 31),
                                state=State.EXPIRED,
                                upgrade_to="Advanced",
                            )
                        )
                    ),
                    Ended(trial=past),
                ],
            ),
            "tried again a year later": (
                known(
                    SOLD,
                    last := trial(
                        started=date(2025, 11, 10), ends=date(2025, 12, 10), state=State.EXPIRED, upgrade_to="Advanced"
                    ),
                ),
                TRIES,
                [Started(trial=UPGRADE)],
            ),
            "told by an older record, bought since": (
                known(replace(SOLD, edition="Advanced")),
                replace(TRIES, updated=nov(22)),
                [
                    Started(trial=replace(UPGRADED, reported_on=nov(22))),
                    upgraded(replace(UPGRADED, reported_on=nov(22))),
                ],
            ),
            "told by an older record, over since": (
                known(replace(SOLD, updated=DEC_11)),
                TRIES,
                [
                    Started(trial=replace(UPGRADE, state=State.EXPIRED)),
                    Ended(trial=replace(UPGRADE, state=State.EXPIRED)),
                ],
            ),
        }
    ),
)
def test_the_trial_of_a_higher_edition_is_one_of_its_own(
    before: KnownLicense | None, seen: License, changes: list[Change]
) -> None:
    assert compare(before, seen) == changes

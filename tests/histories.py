"""Lives of a license as the report tells them, one record a change, for tests that let them arrive in any order.

What is left out is what the report cannot say twice the same way: how many days a start was corrected by where that is
a week or more, whose trial a purchase ends that names none of several, an edition or a purchase that was given up.
"""

# ruff: noqa: ANN401  what changes is of its field's type

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from bot.domain.evaluation import Contact, License
from tests.builders import license_

FIRST: Final = date(2025, 1, 6)
AGAIN: Final = timedelta(days=60)
"""How long after a trial the next one begins at the earliest."""
CORRECTION: Final = timedelta(days=6)
"""How far apart the starts of one trial may be said to be; the line is a week."""


@dataclass
class _Life:
    """What the record says next is drawn step by step from what it says now."""

    draw: st.DrawFn
    now: License
    earliest: date
    """The earliest start that was ever said of this trial; the others are at most `CORRECTION` later."""
    reported: list[License] = field(default_factory=list)
    trials: int = 1
    named: bool = True
    upgrades: int = 0
    edition: str = "Standard"
    one_id: bool = False

    def tell(self, **changed: Any) -> None:
        """One more record, of a later day, and of no day before the trial it speaks of."""
        later = self.now.updated + timedelta(days=self.draw(st.integers(1, 12)))
        self.now = replace(self.now, **changed)
        self.now = replace(self.now, updated=max(later, self.now.latest_evaluation or later))
        self.reported.append(self.now)

    # --- The trial ------------------------------------------------------------------------------------------------

    def extend(self) -> None:
        assert self.now.ends is not None
        self.tell(ends=self.now.ends + timedelta(days=self.draw(st.integers(1, 29))))

    def correct(self) -> None:
        start = self.earliest + timedelta(days=self.draw(st.integers(0, CORRECTION.days)))
        self.tell(starts=start, latest_evaluation=start)

    def end(self) -> None:
        self.tell(status=self.draw(st.sampled_from(["inactive", "cancelled"])))

    def reopen(self) -> None:
        self.tell(status="active")

    def buy(self) -> None:
        # A purchase that names no trial is taken for that of the latest one known: exact only where there is one.
        named = self.trials > 1 or self.draw(st.booleans())
        self.named = named
        self.tell(
            license_type="COMMERCIAL",
            status="active",
            starts=self.now.updated,
            ends=self.now.updated + timedelta(days=365),
            edition=self.edition,
            latest_evaluation=self.now.latest_evaluation if named else None,
        )

    def try_again(self) -> None:
        self.trials += 1
        self.earliest = max(self.now.ends or self.now.updated, self.now.updated) + AGAIN
        self.tell(
            license_type="EVALUATION",
            status="active",
            starts=self.earliest,
            ends=self.earliest + timedelta(days=30),
            latest_evaluation=self.earliest,
            upgrade_started=None,
            upgrade_to=None,
        )

    # --- The trial of a higher edition ----------------------------------------------------------------------------

    def try_upgrade(self) -> None:
        self.upgrades += 1
        self.tell(upgrade_started=self.now.updated, upgrade_to="Advanced")

    def correct_upgrade(self) -> None:
        assert self.now.upgrade_started is not None
        self.tell(upgrade_started=self.now.upgrade_started + timedelta(days=self.draw(st.integers(0, 2))))

    def settle_upgrade(self) -> None:
        # An edition that is given up later says nothing of the trial that led to it: nobody gives one up here.
        self.edition = self.draw(st.sampled_from(["Standard", "Advanced"]))
        self.tell(upgrade_started=None, upgrade_to=None, edition=self.edition)

    # --- The rest -------------------------------------------------------------------------------------------------

    def meet(self) -> None:
        address = self.draw(st.sampled_from(["ana@acme.example", "bo@acme.example"]))
        self.tell(technical=self.draw(st.sampled_from([None, Contact(email=address), Contact(forgotten=True)])))

    def learn(self) -> None:
        self.tell(country="Norway", tier=self.draw(st.sampled_from(["10 Users", "25 Users"])))

    def leave_out(self) -> None:
        """What the report knew before, and may know again: that it is not there is no statement."""
        self.tell(country=None, technical=None)

    def gain(self) -> None:
        self.tell(aliases=self.now.aliases | {f"E-{len(self.reported)}"})

    def lose(self) -> None:
        kept = self.draw(st.sampled_from(sorted(self.now.aliases)))
        self.tell(aliases=frozenset({kept}))

    def steps(self) -> list[Callable[[], None]]:
        """What may come next."""
        found = [self.meet, self.learn, self.leave_out, *([] if self.one_id else [self.gain, self.lose])]
        if self.now.is_evaluation and self.now.status == "active":
            found += [self.extend, self.correct, self.end, self.buy]
        elif self.now.is_evaluation:
            found += [self.correct, self.reopen, self.buy, self.try_again]
        elif self.named:
            found += [self.try_again]
        if not self.now.is_evaluation and self.now.upgrade_started is not None:
            found += [self.correct_upgrade, self.settle_upgrade]
        elif not self.now.is_evaluation and not self.upgrades:
            found += [self.try_upgrade]
        return found


@st.composite
def histories(draw: st.DrawFn, *, app_key: str = "com.example.roadmap", one_id: bool = False) -> list[License]:
    """The records of one license, oldest first, each of a later day; it gains and loses ids unless it has `one_id`."""
    first = license_(
        app_key=app_key,
        aliases=frozenset({"E-0"}),
        starts=FIRST,
        latest_evaluation=FIRST,
        ends=FIRST + timedelta(days=30),
        updated=FIRST,
    )
    life = _Life(draw, first, FIRST, [first], one_id=one_id)
    for _ in range(draw(st.integers(0, 8))):
        draw(st.sampled_from(life.steps()))()
    return life.reported

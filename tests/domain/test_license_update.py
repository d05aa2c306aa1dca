"""What a row of the report means: whether it is written, whether it is announced."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given

from bot.domain.announcement import AnnouncementPolicy
from bot.domain.changes import Change, Corrected, Ended, Extended, Reopened, Started
from bot.domain.evaluation import License
from bot.domain.identity import KnownLicense
from bot.domain.license_update import diff
from tests.builders import TODAY, ids, known, license_, nov, trial
from tests.domain.test_changes import LICENSES

RINGING = AnnouncementPolicy(today=TODAY)
OLDER: dict[str, Any] = {"updated": nov(22)}
TWO_IDS = frozenset({"E-1", "SEN-7"})


@pytest.mark.parametrize(
    ("of", "seen", "is_news"),
    ids(
        {
            "a license never seen": (None, {}, True),
            "one never seen, of which there is nothing to tell": (
                None,
                {"license_type": "COMMERCIAL", "latest_evaluation": None},
                True,
            ),
            "the same again": (known(), {}, False),
            "a change": (known(), {"status": "inactive"}, True),
            "a detail that nobody gave before, on an older record": (known(), {"country": "Norway", **OLDER}, True),
            "a detail that is left out": (known(license_(country="Norway")), {}, False),
            "another id, on an older record": (known(), {"aliases": frozenset({"SEN-7"}), **OLDER}, True),
            "fewer ids": (known(license_(aliases=TWO_IDS)), {"aliases": frozenset({"E-1"})}, False),
            "a fresher date": (known(license_(**OLDER)), {}, True),
            "a fact no card shows": (known(), {"region": "EMEA"}, True),
            "an older record": (known(), {"status": "cancelled", "company": "Acme Ltd", **OLDER}, False),
            "two licenses that are one": (replace(known(), ids=(1, 2)), OLDER, True),
        }
    ),
)
def test_a_finding_is_written_only_where_it_says_something_new(
    of: KnownLicense | None, seen: dict[str, Any], *, is_news: bool
) -> None:
    assert diff(of, license_(**seen), RINGING).has_changes is is_news


@pytest.mark.parametrize(
    ("of", "seen", "announced"),
    ids(
        {
            "it began": (None, {}, (Started(trial=trial()),)),
            "it began and is over": (None, {"status": "inactive"}, ()),
            "it began, and a word later": (known(), {"country": "Norway"}, ()),
            "it ended": (known(), {"status": "inactive"}, ()),
            "it runs again": (known(license_(status="inactive")), {}, (Reopened(trial=trial()),)),
            "it runs again, on Atlassian's own license": (
                known(license_(status="inactive")),
                {"atlassian": True},
                (),
            ),
            "extended when its days were over": (
                known(license_(starts=nov(1), latest_evaluation=nov(1), ends=nov(22))),
                {"starts": nov(1), "latest_evaluation": nov(1)},
                (Extended(trial=trial(started=nov(1)), before=nov(22)),),
            ),
            "extended on its last day": (known(license_(ends=TODAY)), {}, ()),
            "corrected, start and end, when its days were over": (
                known(license_(starts=nov(19), latest_evaluation=nov(19), ends=nov(22))),
                {},
                (
                    Corrected(trial=trial(), was=trial(started=nov(19), ends=nov(22))),
                    Extended(trial=trial(), before=nov(22)),
                ),
            ),
            "tried again": (
                known(license_(starts=date(2025, 3, 1), latest_evaluation=date(2025, 3, 1), status="inactive")),
                {},
                (Started(trial=trial()),),
            ),
        }
    ),
)
def test_what_begins_or_runs_again_rings_and_nothing_else(
    of: KnownLicense | None, seen: dict[str, Any], announced: tuple[Change, ...]
) -> None:
    assert diff(of, license_(**seen), RINGING).announced == announced


def test_the_trial_of_a_higher_edition_rings_and_the_purchase_before_it_does_not() -> None:
    seen = license_(license_type="COMMERCIAL", edition="Standard", upgrade_started=TODAY, upgrade_to="Advanced")
    [started] = diff(None, seen, RINGING).announced
    assert (started.trial.upgrade_to, started.trial.started) == ("Advanced", TODAY)


def test_the_trial_of_a_higher_edition_that_was_long_over_when_it_was_first_seen_is_silent() -> None:
    sold = {"license_type": "COMMERCIAL", "edition": "Standard", "latest_evaluation": None, "upgrade_to": "Advanced"}
    found = diff(None, license_(**sold, upgrade_started=date(2026, 9, 1)), RINGING)
    assert found.announced == ()
    assert [type(change) for change in found.changes] == [Started, Ended]


@given(seen=LICENSES)
def test_the_same_record_again_is_never_news(seen: License) -> None:
    first = diff(None, seen, RINGING)
    again = diff(known(seen), seen, RINGING)
    assert again.changes == ()
    assert not again.has_changes
    assert first.has_changes

"""How changes of the report are remembered."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.changes import (
    Change,
    Confirmed,
    ContactChanged,
    Converted,
    Corrected,
    Ended,
    Enriched,
    Extended,
    Refreshed,
    Reopened,
    Started,
)
from bot.domain.evaluation import Contact, State
from bot.domain.history import ContactNow, ContactReplaced, Entry, Kind
from bot.domain.history_details import pack, unpack
from bot.domain.reported_entries import entry_of
from tests.builders import NOON, contact, license_, nov, trial

SOLD = Converted(trial=trial(), license_type="COMMERCIAL", edition="Standard", tier="10 Users", days=3)
ANYHOW = replace(SOLD, edition=None, tier=None, days=None)
EXPIRED, OPEN = trial(state=State.EXPIRED), trial(ends=None)


@pytest.mark.parametrize(
    ("change", "kind", "details"),
    [
        pytest.param(Started(trial=trial()), Kind.STARTED, {"on": "2026-11-20"}, id="started"),
        pytest.param(
            Extended(trial=trial(), before=nov(30)),
            Kind.EXTENDED,
            {"to": "2026-12-20", "was": "2026-11-30"},
            id="extended",
        ),
        pytest.param(
            Corrected(trial=OPEN, was=trial(started=nov(19))),
            Kind.CORRECTED,
            {"to": "2026-11-20/None", "was": "2026-11-19/2026-12-20"},
            id="corrected",
        ),
        pytest.param(
            SOLD,
            Kind.CONVERTED,
            {"type": "COMMERCIAL", "edition": "Standard", "tier": "10 Users", "days": "3", "upgrade": ""},
            id="converted",
        ),
        pytest.param(
            ANYHOW,
            Kind.CONVERTED,
            {"type": "COMMERCIAL", "edition": "", "tier": "", "days": "", "upgrade": ""},
            id="converted anyhow",
        ),
        pytest.param(
            replace(ANYHOW, trial=trial(upgrade_to="Advanced")),
            Kind.CONVERTED,
            {"type": "COMMERCIAL", "edition": "", "tier": "", "days": "", "upgrade": "Advanced"},
            id="a higher edition bought",
        ),
        pytest.param(
            Ended(trial=EXPIRED), Kind.ENDED, {"how": "expired", "on": "2026-12-20", "upgrade": ""}, id="expired"
        ),
        pytest.param(
            Ended(trial=trial(ends=None, state=State.CANCELLED)),
            Kind.ENDED,
            {"how": "cancelled", "on": "", "upgrade": ""},
            id="cancelled",
        ),
        pytest.param(Reopened(trial=trial()), Kind.REOPENED, {"to": "2026-12-20"}, id="reopened"),
        pytest.param(Reopened(trial=OPEN), Kind.REOPENED, {"to": ""}, id="reopened without an end"),
        pytest.param(
            Enriched(trial=trial(), facts=("country", "sandbox")),
            Kind.ENRICHED,
            {"country": "Norway", "sandbox": "True"},
            id="enriched",
        ),
    ],
)
def test_a_change_is_remembered_with_its_particulars(change: Change, kind: Kind, details: Mapping[str, str]) -> None:
    seen = license_(country="Norway", sandbox=True)
    found = entry_of(change, seen, at=NOON)
    assert found == Entry(at=NOON, fact=unpack(kind, details))
    assert pack(found.fact) == details


@pytest.mark.parametrize(
    ("seen", "to"),
    [
        pytest.param({}, "another", id="another"),
        pytest.param({"technical": Contact(forgotten=True)}, "forgotten", id="forgotten"),
        pytest.param(
            {"technical": Contact(forgotten=True), "billing": contact()}, "another", id="one of two forgotten"
        ),
        pytest.param({"technical": None}, "nobody", id="nobody"),
    ],
)
def test_of_a_changed_contact_is_remembered_that_it_changed_and_not_who_it_is(seen: dict[str, Any], to: str) -> None:
    entry = entry_of(ContactChanged(trial=trial()), license_(**seen), at=NOON)
    assert entry == Entry(at=NOON, fact=ContactReplaced(to=ContactNow(to)))


@pytest.mark.parametrize("change", [Refreshed(trial=trial()), Confirmed(trial=trial())])
def test_a_mere_repaint_and_a_mere_date_are_not_remembered(change: Change) -> None:
    assert entry_of(change, license_(), at=NOON) is None


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        (Kind.ASSIGNED, {"owner": "U0BO", "was": "U0CY"}),
        (Kind.ASSIGNED, {"owner": "U0BO", "was": "", "rule": "rotation"}),
        (Kind.NOBODY_AVAILABLE, {"U0BO": "away", "U0CY": "not_in_channel"}),
        (Kind.MAIL_SENT, {"template": "welcome", "error": "", "mail": "7", "ground": "REQUEST"}),
        (Kind.MAIL_BOUNCED, {"template": "welcome", "status": "5.1.1", "means": "gone"}),
        (Kind.DO_NOT_CONTACT, {"cause": "unsubscribed", "mark": "3", "note": ""}),
        (Kind.DO_NOT_CONTACT, {"cause": "asked", "mark": ""}),
        (Kind.CONTACT_AGAIN, {"mark": "3"}),
        (Kind.MERGED, {}),
    ],
)
def test_a_fact_is_stored_as_it_always_was(kind: Kind, details: Mapping[str, str]) -> None:
    assert pack(unpack(kind, details)) == details


@pytest.mark.parametrize("kind", Kind)
def test_an_entry_that_lacks_details_can_be_read(kind: Kind) -> None:
    assert unpack(kind, {}).kind is kind
    assert unpack(kind, {"on": "soon", "mark": "x", "means": "?", "cause": "?", "ground": "?", "how": "?"}).kind is kind

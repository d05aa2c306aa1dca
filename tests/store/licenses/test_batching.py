"""In which order, and how many at a time, the records of a batch are taken."""

from dataclasses import replace
from itertools import permutations

from bot.domain.evaluation import Contact, License
from bot.domain.identity import KnownLicense
from bot.store.licenses.batching import ParsedRecord, sort_and_dedupe, split_conflicts
from tests.builders import contact, known, license_, nov
from tests.store.steps import parsed

ONE, TWO = license_(aliases=frozenset({"E-1"})), license_(aliases=frozenset({"E-2"}))
BOTH = license_(aliases=frozenset({"E-1", "E-2"}))


def ordered(*seen: License) -> list[License]:
    return [each.license for each in sort_and_dedupe([parsed(each) for each in seen])]


def test_older_records_are_taken_before_younger_ones_whatever_order_they_came_in() -> None:
    days = [replace(ONE, updated=nov(20)), replace(TWO, updated=nov(21)), replace(ONE, updated=nov(22))]
    assert {tuple(ordered(*order)) for order in permutations(days)} == {tuple(days)}


def test_of_one_day_the_trial_is_taken_before_its_purchase() -> None:
    sold = replace(ONE, license_type="COMMERCIAL")
    assert ordered(sold, ONE) == ordered(ONE, sold) == [ONE, sold]


def test_of_records_that_differ_in_details_alone_the_one_that_says_most_of_the_people_is_taken() -> None:
    """The report gives some licenses several times, with other contacts each time."""
    nobody = replace(ONE, technical=None)
    nameless = replace(ONE, technical=Contact(name="Ana Ash"), billing=Contact(name="Bo Birch"))
    two = replace(ONE, billing=contact(email="bo@acme.example"))
    for order in permutations([nobody, nameless, ONE, two]):
        assert ordered(*order) == [two]


def test_of_records_that_say_as_much_the_same_one_is_taken_whatever_order_they_came_in() -> None:
    alike = [replace(ONE, technical=contact(email=f"{name}@acme.example")) for name in ("ana", "bo", "cy")]
    assert len({tuple(ordered(*order)) for order in permutations(alike)}) == 1
    assert len(ordered(*alike)) == 1


def test_the_rows_of_those_that_were_not_taken_count_as_read_with_the_one_that_was() -> None:
    seen = [parsed(replace(ONE, technical=person)) for person in (None, contact())]
    [taken] = sort_and_dedupe(seen)
    assert set(taken.digests) == {seen[0].digests[0], seen[1].digests[0]}


def test_what_says_another_thing_of_the_trial_or_is_of_another_day_or_app_is_taken_too() -> None:
    others = [
        replace(ONE, status="inactive"),
        replace(ONE, updated=nov(22)),
        replace(ONE, app_key="com.example.forms"),
        TWO,
    ]
    assert set(ordered(ONE, *others)) == {ONE, *others}


def aliases(
    taken: list[tuple[ParsedRecord, KnownLicense | None]], waiting: list[ParsedRecord]
) -> tuple[list[str], list[str]]:
    """The ids of those that are taken now, and of those that wait."""
    return [_ids(each) for each, _ in taken], [_ids(each) for each in waiting]


def _ids(of: ParsedRecord) -> str:
    return "+".join(sorted(of.license.aliases))


def test_two_records_of_one_license_are_taken_one_after_the_other() -> None:
    again = replace(ONE, updated=nov(24))
    taken, waiting = split_conflicts([parsed(ONE), parsed(TWO), parsed(again)], [None] * 3)
    assert aliases(taken, waiting) == (["E-1", "E-2"], ["E-1"])
    assert [each.license for each in waiting] == [again]


def test_a_record_that_ties_two_together_waits_for_both_and_what_follows_waits_for_it() -> None:
    batch = [parsed(each) for each in (ONE, BOTH, TWO)]
    assert aliases(*split_conflicts(batch, [None] * 3)) == (["E-1"], ["E-1+E-2", "E-2"])


def test_two_records_that_share_no_id_but_are_known_as_one_license_are_taken_one_after_the_other() -> None:
    of_one = known(BOTH)
    assert aliases(*split_conflicts([parsed(ONE), parsed(TWO)], [of_one, of_one])) == (["E-1"], ["E-2"])


def test_the_same_id_in_two_apps_is_taken_at_once() -> None:
    forms = replace(ONE, app_key="com.example.forms")
    assert aliases(*split_conflicts([parsed(ONE), parsed(forms)], [None, None])) == (["E-1", "E-1"], [])

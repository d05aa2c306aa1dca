"""What is known when one record of a license says more than another."""

from dataclasses import replace
from functools import reduce
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.evaluation import Contact, License
from bot.domain.identity import merge_records
from tests.builders import contact, ids, license_, nov

OLD, NEW = {"updated": nov(21)}, {"updated": nov(23)}
BO = contact(email="bo@acme.example", name="Bo Birch")
RTBF = Contact(forgotten=True)


@pytest.mark.parametrize(
    ("detail", "old", "new", "known"),
    ids(
        {
            "given again: the younger": ("country", "Norway", "Sweden", "Sweden"),
            "left out: as it was last given": ("country", "Norway", None, "Norway"),
            "given at last": ("country", None, "Norway", "Norway"),
            "never given": ("country", None, None, None),
            "no is an answer, too": ("sandbox", True, False, False),
            "a contact who is left out stays": ("technical", contact(), None, contact()),
            "a contact who was forgotten does not": ("technical", contact(), RTBF, RTBF),
            "a contact who was forgotten does not come back": ("technical", RTBF, None, RTBF),
            "another contact": ("billing", contact(), BO, BO),
            "how it stands is for the younger to say": ("status", "active", "cancelled", "cancelled"),
            "its end, too": ("ends", nov(30), None, None),
            "and its edition": ("edition", "Standard", None, None),
            "and what is tried on it": ("upgrade_to", "Advanced", None, None),
        }
    ),
)
def test_each_detail_is_known_as_it_was_last_given(detail: str, old: object, new: object, known: object) -> None:
    older, younger = license_(**OLD, **{detail: old}), license_(**NEW, **{detail: new})
    for one in (merge_records(older, younger), merge_records(younger, older)):
        assert getattr(one, detail) == known
        assert one.updated == nov(23)


def test_every_id_is_known() -> None:
    one, other = license_(aliases=frozenset({"E-1"})), license_(aliases=frozenset({"SEN-1"}), **OLD)
    assert merge_records(one, other).aliases == {"E-1", "SEN-1"}


def test_a_record_completes_itself_with_nothing() -> None:
    assert merge_records(license_(), license_()) == license_()


def test_what_is_kept_gives_way_to_what_was_said_later_and_stands_against_what_was_said_before() -> None:
    left_out = license_(technical=None)
    kept = merge_records(license_(updated=nov(21)), left_out)
    assert merge_records(kept, license_(updated=nov(22), technical=BO)).technical == BO
    assert merge_records(kept, license_(updated=nov(20), technical=BO)).technical == contact()


def records(*, day: int) -> st.SearchStrategy[License]:
    given_: dict[str, Any] = {
        "country": st.sampled_from([None, "Norway", "Sweden"]),
        "sandbox": st.sampled_from([None, True, False]),
        "technical": st.sampled_from([None, contact(), BO, RTBF]),
        "status": st.sampled_from(["active", "inactive"]),
    }
    return st.builds(lambda **values: license_(updated=nov(day), **values), **given_)


@given(reported=st.tuples(*(records(day=day) for day in range(1, 5))))
def test_in_whatever_order_records_come_the_same_is_known_in_the_end(reported: tuple[License, ...]) -> None:
    ends = {reduce(merge_records, order) for order in permutations(reported)}
    assert len(ends) == 1
    [one] = ends
    assert all(merge_records(one, replace(seen)) == one for seen in reported)

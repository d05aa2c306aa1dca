"""To whom a mark applies, which one speaks, who may take it back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.consent import CHOICES, Authority, Cause, Scope, Subject, adds, may_lift, reached_by, subjects_of
from tests.builders import NOON, license_, opt_out

LINK, MEMBER, ADMIN = Authority
STRONGEST_FIRST = (
    {Cause.UNSUBSCRIBED, Cause.COMPLAINED, Cause.ERASED},
    {Cause.LEGAL, Cause.FORGOTTEN},
    {Cause.ASKED, Cause.TEAM},
    {Cause.BOUNCED},
    {Cause.PAUSED},
)


@pytest.mark.parametrize(
    ("typed", "scope", "value"),
    [
        ("ana@acme.example", Scope.ADDRESS, "ana@acme.example"),
        ("  Ana@ACME.example ", Scope.ADDRESS, "ana@acme.example"),
        ("mailto:ana@acme.example", Scope.ADDRESS, "ana@acme.example"),
        ("@acme.example", Scope.DOMAIN, "acme.example"),
        ("acme.example", Scope.DOMAIN, "acme.example"),
        ("mail.Acme.example", Scope.DOMAIN, "mail.acme.example"),
        ("acme.atlassian.net", Scope.SITE, "acme.atlassian.net"),
        ("https://acme.atlassian.net/", Scope.SITE, "acme.atlassian.net"),
        ("acme.jira.com", Scope.SITE, "acme.jira.com"),
        ("site:jira.acme.example", Scope.SITE, "jira.acme.example"),
        ("@acme.atlassian.net", Scope.DOMAIN, "acme.atlassian.net"),
    ],
)
def test_what_people_type_is_an_address_a_domain_or_a_site(typed: str, scope: Scope, value: str) -> None:
    assert Subject.read(typed) == Subject(scope=scope, value=value)


@pytest.mark.parametrize(
    "typed", ["", " ", "@", "acme", "ana@", "ana@acme", "a b@acme.example", "acme..example", "x" * 300]
)
def test_anything_else_is_none(typed: str) -> None:
    assert Subject.read(typed) is None


@given(st.text(max_size=60) | st.emails())
def test_a_subject_reads_as_it_is_written(text: str) -> None:
    subject = Subject.read(text)
    assert subject is None or Subject.read(str(subject)) == subject


def test_an_address_falls_under_its_domain_those_above_it_and_the_site() -> None:
    found = subjects_of(license_(site="Acme.atlassian.net"), "Ana@mail.acme.co.example")
    assert [str(each) for each in found] == [
        "ana@mail.acme.co.example",
        "@mail.acme.co.example",
        "@acme.co.example",
        "@co.example",
        "acme.atlassian.net",
    ]


def test_of_what_is_no_address_there_is_itself_alone() -> None:
    assert [str(each) for each in subjects_of(None, "ana at acme")] == ["ana at acme"]


@pytest.mark.parametrize(
    ("typed", "by"),
    [
        ("ana@mail.acme.example", ["ana@mail.acme.example", "@mail.acme.example", "@acme.example"]),
        ("@mail.acme.example", ["@mail.acme.example", "@acme.example"]),
        ("@acme.example", ["@acme.example"]),
        ("mail.acme.atlassian.net", ["mail.acme.atlassian.net"]),
    ],
)
def test_a_subject_is_reached_by_itself_and_the_domains_it_is_part_of(typed: str, by: list[str]) -> None:
    subject = Subject.read(typed)
    assert subject is not None
    assert [str(each) for each in reached_by(subject)] == by


def test_causes_have_the_order_of_who_said_it() -> None:
    strengths = [{cause.strength for cause in level} for level in STRONGEST_FIRST]
    assert all(len(level) == 1 for level in strengths)
    assert strengths == sorted(strengths, key=min, reverse=True)
    assert set().union(*STRONGEST_FIRST) == set(Cause)


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("before", Cause)
def test_a_weaker_mark_adds_nothing_to_a_stronger_one_and_one_for_ever_always_does(before: Cause, cause: Cause) -> None:
    added = adds(cause, opt_out(cause=before))
    assert added == (cause.strength > before.strength or (cause.is_final and cause != before))
    assert adds(cause, None)


@pytest.mark.parametrize(
    ("authority", "causes"),
    [
        (LINK, {Cause.UNSUBSCRIBED}),
        (MEMBER, {Cause.ASKED, Cause.TEAM, Cause.BOUNCED, Cause.PAUSED}),
        (ADMIN, set(Cause) - {Cause.ERASED, Cause.FORGOTTEN}),
    ],
)
def test_who_may_take_back_what(authority: Authority, causes: set[Cause]) -> None:
    assert {cause for cause in Cause if may_lift(cause, authority)} == causes


def test_nobody_marks_by_hand_what_only_the_person_or_the_machine_can_say() -> None:
    assert set(CHOICES) == {Cause.ASKED, Cause.COMPLAINED, Cause.LEGAL, Cause.TEAM}


def test_a_pause_knows_its_end() -> None:
    assert opt_out(cause=Cause.PAUSED, until=NOON + timedelta(days=1)).until is not None

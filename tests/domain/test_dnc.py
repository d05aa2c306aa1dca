"""Whose email an entry forbids, which one counts, and who may lift it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.provisional import domains

from bot.domain.address import canonical
from bot.domain.dnc import (
    Authority,
    DncEntry,
    DncScope,
    DncTarget,
    adds_to,
    covering_targets,
    forbidding,
    is_stronger_than,
    may_lift,
    targets_for,
)
from bot.domain.dnc_reason import REASON_CHOICES, DncReason
from tests.builders import NOON, dnc_entry, license_

LINK, MEMBER, ADMIN = Authority
STRONGEST_FIRST = (
    {DncReason.UNSUBSCRIBED, DncReason.COMPLAINED, DncReason.ERASED},
    {DncReason.LEGAL, DncReason.FORGOTTEN},
    {DncReason.ASKED, DncReason.TEAM},
    {DncReason.BOUNCED},
    {DncReason.PAUSED},
)


@pytest.mark.parametrize(
    ("typed", "scope", "value"),
    [
        ("ana@acme.example", DncScope.ADDRESS, "ana@acme.example"),
        ("  Ana@ACME.example ", DncScope.ADDRESS, "ana@acme.example"),
        ("mailto:ana@acme.example", DncScope.ADDRESS, "ana@acme.example"),
        ("@acme.example", DncScope.DOMAIN, "acme.example"),
        ("acme.example", DncScope.DOMAIN, "acme.example"),
        ("mail.Acme.example", DncScope.DOMAIN, "mail.acme.example"),
        ("acme.atlassian.net", DncScope.SITE, "acme.atlassian.net"),
        ("https://acme.atlassian.net/", DncScope.SITE, "acme.atlassian.net"),
        ("acme.jira.com", DncScope.SITE, "acme.jira.com"),
        ("site:jira.acme.example", DncScope.SITE, "jira.acme.example"),
        ("@acme.atlassian.net", DncScope.DOMAIN, "acme.atlassian.net"),
        ("“ana@smart.example”", DncScope.ADDRESS, "ana@smart.example"),
        ("‘ana@smart.example’,", DncScope.ADDRESS, "ana@smart.example"),
        ("«ana@smart.example»", DncScope.ADDRESS, "ana@smart.example"),
        ("„ana@smart.example“", DncScope.ADDRESS, "ana@smart.example"),
        ("`ana@code.example`", DncScope.ADDRESS, "ana@code.example"),
        ("'ana@acme.example", DncScope.ADDRESS, "ana@acme.example"),
        ("(ana@acme.example).", DncScope.ADDRESS, "ana@acme.example"),
        ("[ana@acme.example]", DncScope.ADDRESS, "ana@acme.example"),
        ("「ana@acme.example」", DncScope.ADDRESS, "ana@acme.example"),
        ("Ana Lima <ana@acme.example>", DncScope.ADDRESS, "ana@acme.example"),
        ('"ana"@acme.example', DncScope.ADDRESS, "ana@acme.example"),
        ("MAILTO:ana@acme.example?subject=Trial&body=Hi", DncScope.ADDRESS, "ana@acme.example"),
        ("mailto:ana%2Bjira@acme.example", DncScope.ADDRESS, "ana+jira@acme.example"),
        ("<mailto:ana@acme.example|ana@acme.example>", DncScope.ADDRESS, "ana@acme.example"),
        ("<mailto:ana@acme.example|Ana>,", DncScope.ADDRESS, "ana@acme.example"),
        ("ana@Müller.example", DncScope.ADDRESS, "ana@xn--mller-kva.example"),
        ("ana@acme.example\u200b", DncScope.ADDRESS, "ana@acme.example"),
        ("ana＠acme。example", DncScope.ADDRESS, "ana@acme.example"),
        ("<'ana@acme.example>", DncScope.ADDRESS, "'ana@acme.example"),
        ("comma.example,", DncScope.DOMAIN, "comma.example"),
        ("star.example.", DncScope.DOMAIN, "star.example"),
        ("*@star.example", DncScope.DOMAIN, "star.example"),
        ("*.star.example", DncScope.DOMAIN, "star.example"),
        ("@*.star.example", DncScope.DOMAIN, "star.example"),
        (".star.example", DncScope.DOMAIN, "star.example"),
        ("“@star.example”", DncScope.DOMAIN, "star.example"),
        ("*@<http://star.example|star.example>", DncScope.DOMAIN, "star.example"),
        ("<https://www.acme.example|www.acme.example>", DncScope.DOMAIN, "acme.example"),
        ("<https://acme.example/>", DncScope.DOMAIN, "acme.example"),
        ("https://www.acme.example:8443/pricing?x=1#y", DncScope.DOMAIN, "acme.example"),
        ("http://acme.example", DncScope.DOMAIN, "acme.example"),
        ("//acme.example/", DncScope.DOMAIN, "acme.example"),
        ("Müller.example", DncScope.DOMAIN, "xn--mller-kva.example"),
        ("@MU\u0308LLER。example", DncScope.DOMAIN, "xn--mller-kva.example"),
        ("https://acme.atlassian.net/jira/software/projects/X/boards/1", DncScope.SITE, "acme.atlassian.net"),
        ("ACME.atlassian.net/wiki", DncScope.SITE, "acme.atlassian.net"),
        ("*.acme.atlassian.net", DncScope.SITE, "acme.atlassian.net"),
        ("site:https://jira.acme.example/browse", DncScope.SITE, "jira.acme.example"),
        ("“Site:jira.müller.example”", DncScope.SITE, "jira.xn--mller-kva.example"),
        ("@atlassian.net", DncScope.DOMAIN, "atlassian.net"),
    ],
)
def test_what_people_type_is_an_address_a_domain_or_a_site(typed: str, scope: DncScope, value: str) -> None:
    assert DncTarget.read(typed) == DncTarget(scope=scope, value=value)


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "@", "acme", "ana@", "ana@acme", "a b@acme.example", "acme..example", "x" * 300, "“”", "``", "<>"),
        *("ana at acme.example", "ana[at]acme.example", "ana..lima@acme.example", "ana.@acme.example"),
        *("ana@acme.example,bo@acme.example", "ana@acme.example bo@acme.example", "@acme.example @else.example"),
        *("https://ana@acme.example/", "mailto:", "mailto:acme.example", "https://", "site:", "site:acme", "*", "*@*"),
        *(
            "*.example",
            "127.0.0.1",
            "https://127.0.0.1/",
            "ana@127.0.0.1",
            "ana@xn--zzzzzz.example",
            "xn--zzzzzz.example",
        ),
        *("<@U0ANA>", "<#C0CARDS|cards>", "<!channel>", "@here", "atlassian.net", "*.atlassian.net", "*.jira.com"),
        *("a_b.example", "-acme.example", "ana@acme.invalid", "\u200b", "\ud800"),
    ],
)
def test_anything_else_is_none(typed: str) -> None:
    assert DncTarget.read(typed) is None


@given(st.text(max_size=60) | st.emails() | domains() | domains().map("site:{}".format))
def test_a_subject_reads_as_it_is_written_and_is_found_by_its_key(text: str) -> None:
    subject = DncTarget.read(text)
    if subject is not None:
        assert DncTarget.read(str(subject)) == subject
        assert DncTarget.from_key(subject.scope, subject.key) == subject
        assert canonical(subject.key) == subject.key


@given(st.emails())
@example("'ana@acme.example")
@example("*@acme.example")
@example("`ana`@acme.example")
def test_the_subject_of_a_real_address_reads_as_it_is_written(address: str) -> None:
    subject = DncTarget.of_address(address)
    assert DncTarget.read(str(subject)) == subject


@given(
    st.emails() | domains(),
    st.sampled_from(["“{}”", "'{}'", "`{}`", "<{}>", "({}),", "{}.", "{};", " {}\n", "*{}*"]),
)
def test_marks_around_it_change_nothing(target: str, around: str) -> None:
    plain = DncTarget.read(f"<{target}>" if "@" in target else target)
    assume(target[0] not in "'`*{_~|=/")  # may be part of an address, one of two marks, or begin a link
    assert plain is not None
    assert DncTarget.read(around.format(target)) == plain


def test_an_address_falls_under_its_domain_those_above_it_and_the_site() -> None:
    found = targets_for(license_(site="Acme.atlassian.net"), "Ana@mail.acme.co.example")
    assert [str(each) for each in found] == [
        "ana@mail.acme.co.example",
        "@mail.acme.co.example",
        "@acme.co.example",
        "@co.example",
        "acme.atlassian.net",
    ]


def test_of_what_is_no_address_there_is_itself_alone() -> None:
    assert [str(each) for each in targets_for(None, "ana at acme")] == ["ana at acme"]


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
    subject = DncTarget.read(typed)
    assert subject is not None
    assert [str(each) for each in covering_targets(subject)] == by


def test_causes_have_the_order_of_who_said_it() -> None:
    strengths = [{cause.strength for cause in level} for level in STRONGEST_FIRST]
    assert all(len(level) == 1 for level in strengths)
    assert strengths == sorted(strengths, key=min, reverse=True)
    assert set().union(*STRONGEST_FIRST) == set(DncReason)


@pytest.mark.parametrize("cause", DncReason)
@pytest.mark.parametrize("before", DncReason)
def test_a_weaker_reason_adds_nothing_to_a_stronger_one_and_a_permanent_one_always_does(
    before: DncReason, cause: DncReason
) -> None:
    added = is_stronger_than(cause, dnc_entry(reason=before))
    assert added == (cause.strength > before.strength or (cause.is_final and cause != before))
    assert is_stronger_than(cause, None)


@pytest.mark.parametrize("cause", REASON_CHOICES)
def test_what_stands_when_an_unsubscribe_gives_way_is_recorded_beside_it_once(cause: DncReason) -> None:
    own = dnc_entry(reason=DncReason.UNSUBSCRIBED)
    assert adds_to([own], cause)
    assert not adds_to([own, dnc_entry(reason=cause)], cause)
    assert not adds_to([own], DncReason.UNSUBSCRIBED)
    assert forbidding([own, dnc_entry(reason=cause)], asked_at=NOON + timedelta(days=1)) is not None


@pytest.mark.parametrize(
    ("authority", "causes"),
    [
        (LINK, {DncReason.UNSUBSCRIBED}),
        (MEMBER, {DncReason.ASKED, DncReason.TEAM, DncReason.BOUNCED, DncReason.PAUSED}),
        (ADMIN, set(DncReason) - {DncReason.ERASED, DncReason.FORGOTTEN}),
    ],
)
def test_who_may_take_back_what(authority: Authority, causes: set[DncReason]) -> None:
    assert {cause for cause in DncReason if may_lift(cause, authority)} == causes


def test_nobody_can_choose_a_reason_that_only_the_person_or_the_bot_can_give() -> None:
    assert set(REASON_CHOICES) == {DncReason.ASKED, DncReason.COMPLAINED, DncReason.LEGAL, DncReason.TEAM}


def test_a_pause_knows_its_end() -> None:
    assert dnc_entry(reason=DncReason.PAUSED, until=NOON + timedelta(days=1)).until is not None


HOUR = timedelta(hours=1)
UNSUBSCRIBED = dnc_entry(reason=DncReason.UNSUBSCRIBED, by=None)
AT_THE_DOMAIN = DncTarget.read("@acme.example")


@pytest.mark.parametrize(
    ("entry", "asked_at", "is_forbidden"),
    [
        (UNSUBSCRIBED, None, True),
        (UNSUBSCRIBED, NOON - HOUR, True),
        (UNSUBSCRIBED, NOON, True),
        (UNSUBSCRIBED, NOON + HOUR, False),
        (replace(UNSUBSCRIBED, again_at=NOON + 2 * HOUR), NOON + HOUR, True),
        (replace(UNSUBSCRIBED, target=AT_THE_DOMAIN), NOON + HOUR, True),
        (replace(UNSUBSCRIBED, target=None), NOON + HOUR, True),
        *((dnc_entry(reason=each), NOON + HOUR, True) for each in DncReason if each is not DncReason.UNSUBSCRIBED),
    ],
)
def test_only_who_unsubscribed_and_asked_after_that_may_be_answered(
    entry: DncEntry, asked_at: datetime | None, *, is_forbidden: bool
) -> None:
    assert (forbidding([entry], asked_at=asked_at) is not None) is is_forbidden
    assert forbidding([entry, dnc_entry(reason=DncReason.TEAM)], asked_at=asked_at) is not None

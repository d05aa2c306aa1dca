"""Which templates a person is offered, and with which one the modal opens."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.evaluation import Evaluation, State
from bot.mail.templating.front_matter import TrialWindow
from bot.mail.templating.selection import MOST, TemplateSelection, select_templates
from bot.mail.templating.template import Template, load_templates
from tests.builders import TODAY, evaluation, license_, nov, trial

PLAIN = load_templates().templates["welcome"]
FIRST, LAST = nov(20), date(2026, 12, 20)


def template(id_: str, **head: Any) -> Template:  # noqa: ANN401  any key of a head
    """A template with this head and words that do not matter."""
    return replace(PLAIN, id=id_, name=id_, **head)


def from_(country: str | None) -> Evaluation:
    """A trial in this country."""
    return evaluation(license=license_(country=country))


def ids(offered: TemplateSelection) -> list[str]:
    """The ids in the order in which they are shown."""
    return [each.id for each in offered.templates]


def chosen(offered: TemplateSelection) -> str | None:
    """The id of the one to begin with."""
    return None if offered.chosen is None else offered.chosen.id


@pytest.mark.parametrize(
    ("country", "first"),
    [
        ("Germany", "welcome.de"),
        ("france", "welcome.fr"),
        ("Bolivia, Plurinational State of", "welcome.es"),
        ("Switzerland", "welcome"),
        ("Belgium", "welcome"),
        ("Canada", "welcome"),
        ("United States", "welcome"),
        ("Poland", "welcome"),
        ("", "welcome"),
        (None, "welcome"),
    ],
)
def test_the_shipped_welcome_is_in_the_language_of_the_country_and_the_others_stay(
    country: str | None, first: str
) -> None:
    offered = select_templates(load_templates().templates.values(), from_(country), today=TODAY)

    assert chosen(offered) == ids(offered)[0] == first
    assert sorted(ids(offered)) == ["welcome", "welcome.de", "welcome.es", "welcome.fr"]


def test_the_app_comes_before_the_language_and_a_sister_of_the_language_before_english() -> None:
    pool = [
        template("welcome"),
        template("welcome.pt", language="pt"),
        template("welcome.roadmap", apps=frozenset({"roadmap for jira"})),
        template("welcome.other.pt", language="pt", apps=frozenset({"com.example.other"})),
    ]

    assert ids(select_templates(pool, from_("Brazil"), today=TODAY)) == ["welcome.roadmap", "welcome.pt", "welcome"]
    assert ids(select_templates(pool[:2], from_("Brazil"), today=TODAY)) == ["welcome.pt", "welcome"]
    assert ids(select_templates(pool[3:], from_("Brazil"), today=TODAY)) == []


def test_an_app_is_known_by_its_key_and_by_its_name() -> None:
    by_key = template("a", apps=frozenset({"com.example.roadmap"}))
    by_name = template("b", apps=frozenset({"roadmap for jira"}))
    other = template("c", apps=frozenset({"roadmap"}))

    assert ids(select_templates([by_key, by_name, other], from_(None), today=TODAY)) == ["a", "b"]


def test_where_nothing_is_english_whatever_there_is_is_offered() -> None:
    assert (
        chosen(select_templates([template("welcome.de", language="de")], from_("Japan"), today=TODAY)) == "welcome.de"
    )


def test_the_best_of_each_family_comes_before_all_other_variants() -> None:
    pool = [
        template(f"{name}{tail}", language=tail[1:] or "en") for name in ("demo", "welcome") for tail in ("", ".de")
    ]

    assert ids(select_templates(pool, from_("Austria"), today=TODAY)) == ["welcome.de", "demo.de", "welcome", "demo"]


def test_what_was_sent_is_not_what_the_modal_opens_with_as_long_as_there_is_something_else() -> None:
    pool = [template("welcome"), template("welcome.de", language="de"), template("demo")]

    assert chosen(select_templates(pool, from_("Germany"), today=TODAY, sent={"welcome"})) == "demo"
    assert chosen(select_templates(pool, from_("Germany"), today=TODAY, sent={"welcome", "demo"})) == "welcome.de"
    assert chosen(select_templates([], from_("Germany"), today=TODAY)) is None


@pytest.mark.parametrize(
    ("offered", "day", "is_offered"),
    [
        (TrialWindow("first", 7), FIRST, True),
        (TrialWindow("first", 7), FIRST + timedelta(days=6), True),
        (TrialWindow("first", 7), FIRST + timedelta(days=7), False),
        (TrialWindow("first", 7), FIRST - timedelta(days=1), True),
        (TrialWindow("last", 10), LAST, True),
        (TrialWindow("last", 10), LAST - timedelta(days=9), True),
        (TrialWindow("last", 10), LAST - timedelta(days=10), False),
        (TrialWindow("last", 10), LAST + timedelta(days=1), False),
        (TrialWindow("last", 1), LAST, True),
        (TrialWindow("last", 1), LAST - timedelta(days=1), False),
        (None, LAST + timedelta(days=100), True),
    ],
)
def test_a_template_is_offered_on_its_days(offered: TrialWindow | None, day: date, is_offered: bool) -> None:  # noqa: FBT001
    assert bool(select_templates([template("a", window=offered)], evaluation(), today=day).templates) is is_offered


@pytest.mark.parametrize(
    "unknown",
    [
        evaluation(trial=trial(ends=None)),
        evaluation(trial=trial(state=State.CANCELLED)),
        evaluation(license=license_(license_type="COMMERCIAL"), trial=trial(upgrade_to="Premium")),
    ],
)
def test_a_trial_whose_end_nobody_knows_or_that_is_over_has_no_last_days(unknown: Evaluation) -> None:
    assert select_templates([template("a", window=TrialWindow("last", 999))], unknown, today=TODAY).templates == ()


def test_in_the_last_days_the_reminder_comes_first() -> None:
    offered = select_templates(load_templates().templates.values(), from_("Spain"), today=LAST)

    assert ids(offered)[:2] == ["trial-ending.es", "welcome.es"]
    assert chosen(offered) == "trial-ending.es"


def test_slack_is_never_given_more_than_it_takes() -> None:
    assert (
        len(select_templates([template(f"t{n}") for n in range(MOST + 1)], from_(None), today=TODAY).templates) == MOST
    )


_LANGUAGES = st.sampled_from(["en", "de", "pt", "pt-BR", "fr"])
_APPS = st.sampled_from([frozenset[str](), frozenset({"roadmap for jira"}), frozenset({"another app"})])
_DAYS = st.none() | st.builds(TrialWindow, st.sampled_from(["first", "last"]), st.integers(1, 40))
_POOL = st.lists(
    st.builds(
        lambda family, number, **head: template(f"{family}.{number}", **head),
        st.sampled_from(["welcome", "demo", "ending"]),
        st.integers(0, 50),
        language=_LANGUAGES,
        apps=_APPS,
        window=_DAYS,
    ),
    unique_by=lambda each: each.id,
    max_size=12,
)


@given(_POOL, st.sampled_from(["Germany", "Brazil", "Kenya", None]), st.sets(st.sampled_from(["welcome", "demo"])))
def test_whatever_there_is_each_family_is_offered_once_before_any_second_variant(
    pool: list[Template], country: str | None, sent: set[str]
) -> None:
    offered = select_templates(pool, from_(country), today=TODAY, sent=sent)
    families = [each.family for each in offered.templates]
    first = families[: len(set(families))]

    assert len(first) == len(set(first))
    assert len(set(ids(offered))) == len(families)
    assert ids(select_templates(reversed(pool), from_(country), today=TODAY, sent=sent)) == ids(offered)
    assert (offered.chosen is None) == (not families)
    if offered.chosen is not None:
        assert offered.chosen in offered.templates[: len(first)]
        assert offered.chosen.family not in sent or set(first) <= sent


def test_a_folder_of_the_team_is_chosen_from_like_the_shipped_one(tmp_path: Path) -> None:
    head = "name: Roadmap\nsubject: Hi\napps: Roadmap for Jira\noffered: first 5 days"
    (tmp_path / "welcome.roadmap.md").write_text(f"---\n{head}\n---\nHello", "utf-8")
    templates = load_templates(tmp_path).templates.values()

    assert chosen(select_templates(templates, from_("Germany"), today=FIRST)) == "welcome.roadmap"
    assert chosen(select_templates(templates, from_("Germany"), today=FIRST + timedelta(days=5))) == "welcome.de"

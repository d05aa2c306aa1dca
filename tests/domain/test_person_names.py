"""By what name somebody is greeted: the given name where one is plain, else none."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cautions import ROLES
from bot.domain.person_names import person_name


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ana", "Ana"),
        ("Ana Lima", "Ana"),
        (" Ana  Maria Lima", "Ana"),
        ("ANA LIMA", "Ana"),
        ("ana lima", "Ana"),
        ("ana Lima", "Ana"),
        ("Dr. Ana Lima", "Ana"),
        ("Dr Ana Lima", "Ana"),
        ("Prof. Dr. Ana Lima", "Ana"),
        ("Univ.-Prof. Dr. med. Ana Lima", "Ana"),
        ("Dr. rer. nat. Ana Lima", "Ana"),
        ("Mr. Ben Ash", "Ben"),
        ("Mrs Ana Lima", "Ana"),
        ("Ms. Ana Lima", "Ana"),
        ("Herr Ben Ash", "Ben"),
        ("Frau Dr. Ana Lima", "Ana"),
        ("M. Luc Roche", "Luc"),
        ("Mme Ana Lima", "Ana"),
        ("Sr. Rui Lima", "Rui"),
        ("Sra. Ana Lima", "Ana"),
        ("Ing. Ana Lima", "Ana"),
        ("Dipl.-Ing. Ana Lima", "Ana"),
        ("Dipl. Ing. Ana Lima", "Ana"),
        ("Ana Lima, PhD", "Ana"),
        ("Ana Lima Ph.D.", "Ana"),
        ("Ana Lima, MBA, M.Sc.", "Ana"),
        ("Rui Lima Jr.", "Rui"),
        ("Rui Lima III", "Rui"),
        ("Lima, Ana", "Ana"),
        ("LIMA,ANA", "Ana"),
        ("Lima, Ana Maria", "Ana"),
        ("Lima, Dr. Ana", "Ana"),
        ("Lima, Ana, PhD", "Ana"),
        ("van der Berg, Jan", "Jan"),
        ("Jan van der Berg", "Jan"),
        ("Ana de Lima", "Ana"),
        ("Jean-Pierre Roche", "Jean-Pierre"),
        ("jean-pierre roche", "Jean-Pierre"),
        ("Maria José", "Maria"),
        ("Mary Ann", "Mary"),
        ("D'Angelo Lima", "D'Angelo"),
        ("Luc ROCHE", "Luc"),
        ("BO LIMA", "Bo"),
        ("Øystein Ås", "Øystein"),
        ("Zoe\u0308", "Zoë"),
        ("Phil Ash", "Phil"),
        ("Tom Ash", "Tom"),
        ("Jack Ma", "Jack"),
        ("Ana Guest", "Ana"),
        ("Ada Test", "Ada"),
        ("Ana Lima (Acme)", "Ana"),
        ("Ana Lima (she/her)", "Ana"),
        ("“Ana Lima”", "Ana"),
        ("'Ana Lima'", "Ana"),
        ("Ana .", "Ana"),
        ("Ana 🎉 Lima", "Ana"),
        ("\u202eAna\u200b Li\u00adma\ufeff", "Ana"),
    ],
)
def test_a_plain_given_name_is_found_however_it_is_written(name: str, first: str) -> None:
    assert person_name(name).given == first


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Acme, Inc.", id="company with a comma"),
        *("Acme Inc", "Acme GmbH", "ACME LTD", "Acme LLC", "Acme S.A.", "Acme AG", "Acme B.V.", "Acme Pty Ltd"),
        *("Acme GmbH & Co. KG", "Acme s.r.o.", "Acme Sp. z o.o.", "Acme Solutions", "The Acme Company", "ACME"),
        *("Ana from Acme", "Ana Lima, Acme", "Ana Lima | Acme", "Ana Lima - Acme", "Acme / Ana", "Acme (Ana)"),
        *("IT Support", "Jira Admin", "Accounts Payable", "Billing", "Team", "The Team", "helpdesk", "Help Desk"),
        *("administrator", "root", "Atlassian", "IT-Support", "IT.Support", "Team Ana", "Ana (IT)", "No Reply"),
        *("Einkauf", "Buchhaltung", "Comptabilité", "Soporte", "Service Informatique", "License Management"),
        *("ana.lima@acme.example", "Ana <ana@acme.example>", "ana@acme", "mailto:ana@acme.example", "acme.example"),
        *("ana.lima", "ana_lima", "alima01", "alima", "ana", "AnaLima", "ANA", "aNA Lima", "iPhone User", "ĸa Lima"),
        *(
            "null null",
            "null",
            "Ana null",
            "N/A",
            "n.a.",
            "none",
            "Unknown",
            "Test User",
            "First Last",
            "Sample Name",
            "Guest",
            "asdf asdf",
        ),
        *("-", "--", ".", "", " ", "?", "123", "🎉", "\u200b", "xx yy", "aaa bbb", "…"),
        *("A. Lima", "A Lima", "J. R. Lima", "JP Lima", "A.", "M. Lima"),
        *("Dr. Lima", "Mr. Lima", "Herr Müller", "Mme Roche", "Sr. Lima", "Prof. Dr. Lima", "Dr.", "Mr"),
        *("Van Dyke", "De Luca Ana", "ROCHE Luc", "Lima Santos, Ana", "Lima, A.", "Lima,", ", Ana", "Lima, Ana, Acme"),
        *("Ana & Ben", "Ana and Ben Lima", "Ana+Ben", "<b>Ana</b>", "{{ ana }}", "Ana🎉 Lima", "Ana\nBcc: Ben"),
        *("李伟", "山田 太郎", "김민수", "Анна Лима", "محمد علي", "Ａｎａ Lima", "\U0001d400na Lima", "Аna Lima"),
        pytest.param("Ana " * 50, id="endless"),
        pytest.param("Please ask our other colleague in Lima", id="a sentence"),
        pytest.param("A" + "na" * 30 + " Lima", id="an endless word"),
    ],
)
def test_where_it_is_not_plain_nobody_is_greeted_by_name(name: str) -> None:
    assert person_name(name).given is None


def test_who_has_no_name_is_not_greeted_by_one() -> None:
    assert person_name(None).given is None


@pytest.mark.parametrize("company", ["Acme", "ACME", "Acme!"])
def test_who_typed_the_company_for_their_name_is_not_greeted_by_it(company: str) -> None:
    assert person_name("Acme", company=company).full is None
    assert person_name("Ana", company=company).given == "Ana"


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("Ana Lima", "Ana Lima"),
        ("ANA DE LIMA", "Ana de Lima"),
        ("Lima, Ana", "Ana Lima"),
        ("Lima, Dr. Ana, PhD", "Dr. Ana Lima"),
        ("Herr Müller", "Herr Müller"),
        ("A. Lima", "A. Lima"),
        ("Luc ROCHE", "Luc ROCHE"),
        pytest.param("李伟", "李伟", id="where no part is chosen, the order does not matter"),
        ("Анна Лима", "Анна Лима"),
        ("IT Support", None),
        ("Acme, Inc.", None),
        ("ana.lima@acme.example", None),
        ("null null", None),
        ("alima", None),
        ("xx yy", None),
        (None, None),
    ],
)
def test_the_whole_name_is_said_where_it_is_a_persons(name: str | None, full: str | None) -> None:
    assert person_name(name).full == full


WORDS = [
    *("Ana", "lima", "ROCHE", "van", "Dr.", "PhD", ",", "Inc.", "GmbH", "null", "@", "ana@acme.example", "N/A", "-"),
    *("\u200b", "(IT)", "李伟", "A.", "Jean-Pierre", "O'Neil", "&", "7", "🎉", "'", "“", *sorted(ROLES)),
]


@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join))
def test_whatever_is_typed_no_address_no_desk_and_nothing_without_letters_is_greeted(name: str) -> None:
    found = person_name(name)

    for said in (found.given, found.full):
        assert said is None or (any(map(str.isalpha, said)) and not re.search(r"[@\d\W_](?<![\s.'’‐-])", said))
    if found.given is not None:
        assert found.full is not None
        assert found.given.casefold() not in ROLES
        assert found.given[0].isupper()
        assert " " not in found.given


@given(st.sampled_from(sorted(ROLES)), st.sampled_from(["{} Ana", "Ana {}", "Acme {}", "{}", "Lima, {}", "{}, Ana"]))
def test_a_desk_stays_one_whatever_stands_beside_it(role: str, around: str) -> None:
    for spelled in (role, role.title(), role.upper()):
        assert person_name(around.format(spelled)).full is None

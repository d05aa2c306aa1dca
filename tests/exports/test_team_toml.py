"""The team file: what it holds is read, written, and named by its line if it is wrong."""

from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.fake_slack.state import PEOPLE
from bot.domain.team_settings import (
    DigestTimes,
    Reminders,
    RotationMember,
    RotationRule,
    TeamSettings,
    WeeklyTime,
    differences,
)
from bot.domain.working_time import DurationUnit, WorkingDuration, WorkingHours
from bot.errors import TeamFileWrong
from bot.exports.team_toml import read_team_toml, write_team_toml

TODAY = date(2026, 11, 30)
EXAMPLE = """
working_hours = "mon-fri 09:00-17:00"
holidays = ["2026-12-25"]
[channels]
"com.example.gantt" = "C0GANTT"
[digest]
daily = "09:00"          # or "off"
weekly = "mon 09:00"
[reminders]
unclaimed = "4h"         # working time; or "off"
untouched = "8h"
escalated = "16h"
ending = "5d"
escalate_to = "C0SALES"  # or a user id; default: the card's channel
rehearse_until = 2026-12-07
[[rotation]]
apps = ["com.example.gantt"]   # none: all
members = [{ user = "U0ANA", weight = 2 }, { user = "U0BEN" }]
"""


def test_the_example_says_what_it_looks_like() -> None:
    assert read_team_toml(EXAMPLE, today=TODAY) == TeamSettings(
        working_hours=WorkingHours.read("mon-fri 09:00-17:00"),
        holidays=(date(2026, 12, 25),),
        channels=(("com.example.gantt", "C0GANTT"),),
        digest=DigestTimes(daily=time(9), weekly=WeeklyTime(day=0, at=time(9))),
        reminders=Reminders(
            unclaimed=WorkingDuration(4, DurationUnit.HOURS),
            untouched=WorkingDuration(8, DurationUnit.HOURS),
            escalated=WorkingDuration(16, DurationUnit.HOURS),
            ending=WorkingDuration(5, DurationUnit.DAYS),
            escalate_to="C0SALES",
            rehearse_until=date(2026, 12, 7),
        ),
        rotation=(
            RotationRule(apps=("com.example.gantt",), members=(RotationMember("U0ANA", 2), RotationMember("U0BEN"))),
        ),
    )


def test_it_is_written_with_every_key_so_that_people_see_what_there_is() -> None:
    assert write_team_toml(TeamSettings()) == (
        'working_hours = "mon-fri 09:00-17:00"\n'
        "holidays = []\n"
        "\n[channels]\n"
        '\n[digest]\ndaily = "off"\nweekly = "off"\n'
        '\n[reminders]\nunclaimed = "off"\nuntouched = "off"\nescalated = "off"\nending = "off"\nwaiting = "4h"\n'
    )
    written = write_team_toml(read_team_toml(EXAMPLE, today=TODAY))
    assert written.endswith(
        'escalate_to = "C0SALES"\nrehearse_until = 2026-12-07\n'
        '\n[[rotation]]\napps = ["com.example.gantt"]\n'
        'members = [{ user = "U0ANA", weight = 2 }, { user = "U0BEN", weight = 1 }]\n'
    )


def test_an_empty_file_is_the_defaults() -> None:
    assert read_team_toml("", today=TODAY) == TeamSettings()


times = st.times().map(lambda each: each.replace(second=0, microsecond=0))
durations = st.none() | st.builds(WorkingDuration, st.integers(0, 9999), st.sampled_from(DurationUnit))
users = st.from_regex(r"[UW][A-Z0-9]{2,8}", fullmatch=True)
channels = st.from_regex(r"[CG][A-Z0-9]{2,8}", fullmatch=True)
apps = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True)
members = st.builds(RotationMember, users, st.integers(1, 10))
rules = st.builds(
    RotationRule,
    apps=st.lists(apps, unique=True, max_size=2).map(tuple),
    members=st.lists(members, min_size=1, max_size=3, unique_by=lambda each: each.user).map(tuple),
)
settings = st.builds(
    TeamSettings,
    working_hours=st.builds(
        lambda days, opens, closes: WorkingHours(days=days, opens=min(opens, closes), closes=max(opens, closes)),
        st.frozensets(st.integers(0, 6), min_size=1),
        times.filter(lambda each: each < time(12)),
        times.filter(lambda each: each >= time(12)),
    ),
    holidays=st.frozensets(st.dates(date(2027, 6, 1)), max_size=3).map(lambda days: tuple(sorted(days))),
    channels=st.dictionaries(apps, channels, max_size=3).map(lambda each: tuple(sorted(each.items()))),
    digest=st.builds(
        DigestTimes,
        daily=st.none() | times,
        weekly=st.none() | st.builds(WeeklyTime, day=st.integers(0, 6), at=times),
    ),
    reminders=st.builds(
        Reminders,
        unclaimed=durations,
        untouched=durations,
        escalated=durations,
        ending=durations,
        escalate_to=st.none() | users | channels,
        rehearse_until=st.none() | st.dates(date(2000, 1, 1)),
    ),
    rotation=st.lists(rules, max_size=2)
    .filter(
        lambda some: len({app for rule in some for app in rule.apps or ("",)}) == sum(len(r.apps or "1") for r in some)
    )
    .map(tuple),
)


@given(settings)
def test_what_is_written_is_read_as_the_same(wanted: TeamSettings) -> None:
    found = read_team_toml(write_team_toml(wanted), today=TODAY)
    assert found == wanted
    assert differences(wanted, found) == {}


WRONG = """# Our day
working_hours = "mon-fri 9 to 5"
holidays = [
  "2026-12-25",
  "Boxing day",
]
remind = "4h"

[channels]
com.example.gantt = "C0GANTT"
"com.example.chart" = "#charts"

[digest]
daily = "9:00"
weekly = "mon"

[reminders]
unclaimed = 4
escalate = "C0SALES"
rehearse_until = 2026-12-07T09:00:00

[[rotation]]
members = [{ user = "U0ANA", weight = 11 },
  { user = "@ben" }]

[[rotation]]
apps = []
members = [
  { user = "U0CLEO" },
  { user = "U0CLEO", weigth = 2 },
  { weight = 2 },
]

[[rotation]]
apps = ["com.example.gantt"]
members = [{ user = "ana" }]
"""


def test_everything_that_is_wrong_is_named_at_once_with_its_line() -> None:
    with pytest.raises(TeamFileWrong) as wrong:
        read_team_toml(WRONG, today=TODAY)
    assert wrong.value.problems == (
        'line 2: working_hours should be hours like "mon-fri 09:00-17:00".',
        'line 5: holidays[2] should be a day like "2026-12-25".',
        "line 7: remind is unknown. Did you mean reminders?",
        'line 10: channels.com should be the key of an app in quotes: "com.example.app".',
        "line 11: channels.com.example.chart should be the id (C…) of a channel.",
        'line 14: digest.daily should be a time like "09:00", or "off".',
        'line 15: digest.weekly should be a day and a time like "mon 09:00", or "off".',
        'line 18: reminders.unclaimed should be a duration of working time like "30m", "4h" or "5d", or "off".',
        "line 19: reminders.escalate is unknown. Did you mean escalated?",
        "line 20: reminders.rehearse_until should be a day like 2026-12-07.",
        "line 23: rotation[1].members[1].weight should be a number from 1 to 10.",
        "line 24: rotation[1].members[2].user should be the id (U…) of a user.",
        "line 26: Every other app has a rotation already.",
        "line 30: rotation[2].members[2].weigth is unknown. Did you mean weight?",
        "line 30: U0CLEO is in this rotation twice. Use weight.",
        "line 31: A member needs a user.",
        "line 36: rotation[3].members[1].user should be the id (U…) of a user.",
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('working_hours = "mon-fri', 1),
        ("\n\n[digest\n", 3),
        ('holidays = ["2026-12-25",\n\n', 1),
        ('[digest]\ndaily = "off"\ndaily = "off"\n', 3),
        (f"a = {'[' * 10_000}", 1),
    ],
)
def test_what_is_not_toml_is_named_with_its_line(text: str, line: int) -> None:
    with pytest.raises(TeamFileWrong, match=f"^line {line}: "):
        read_team_toml(text, today=TODAY)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("digest = 3", "line 1: digest should be a table."),
        ("\nrotation = 3", "line 2: rotation should be a list."),
        ("rotation = [3]", "line 1: rotation[1] should be a table."),
        ("[[rotation]]\n", 'line 1: members should name somebody: [{ user = "U…" }].'),
        ('"a\\nb" = 1', "line 1: a�b is unknown."),
    ],
)
def test_a_value_of_another_shape_is_named(text: str, sentence: str) -> None:
    with pytest.raises(TeamFileWrong) as wrong:
        read_team_toml(text, today=TODAY)
    assert str(wrong.value).startswith(sentence)


def test_holidays_that_leave_no_working_day_are_refused() -> None:
    days = ", ".join(f'"{date.fromordinal(TODAY.toordinal() + n)}"' for n in range(60))
    with pytest.raises(TeamFileWrong, match="line 2: holidays leaves no working day within 60 days"):
        read_team_toml(f"\nholidays = [{days}]", today=TODAY)


def test_the_example_of_the_docs_can_be_tried_in_the_demo() -> None:
    example = Path(__file__).parents[2] / "docs" / "team.toml"
    found = read_team_toml(example.read_text(), today=TODAY)
    assert {member.user for rule in found.rotation for member in rule.members} <= {person.id for person in PEOPLE}
    assert found.rotation_for("com.example.roadmap") is not None

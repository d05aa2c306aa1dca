"""Who takes the next evaluation."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

import pytest

from bot.domain.rotation import Credit, choose
from bot.domain.team_settings import RotationMember
from tests.builders import NOON

ANA, BEN, CLEO = RotationMember("U0ANA", 3), RotationMember("U0BEN", 2), RotationMember("U0CLEO", 1)


def turns(
    members: Sequence[RotationMember], count: int, present: Callable[[int], Collection[str]] | None = None
) -> list[str]:
    """Who takes each of so many evaluations, of those who are present then."""
    credits_: dict[str, Credit] = {}
    taken = []
    for n in range(count):
        here = [member for member in members if present is None or member.user in present(n)]
        turn = choose(here, credits_, at=NOON + timedelta(minutes=n))
        if turn is not None:
            credits_ |= turn.credits
            taken.append(turn.user)
    return taken


def test_turns_are_taken_by_weight() -> None:
    assert Counter(turns([ANA, BEN, CLEO], 600)) == {"U0ANA": 300, "U0BEN": 200, "U0CLEO": 100}


def test_nobody_takes_their_turns_all_at_once() -> None:
    assert turns([ANA, BEN, CLEO], 6) == ["U0ANA", "U0BEN", "U0CLEO", "U0ANA", "U0BEN", "U0ANA"]


def test_of_two_with_the_same_credit_the_one_takes_it_who_has_waited_longest() -> None:
    equals = [RotationMember("U0BEN"), RotationMember("U0ANA")]
    assert turns(equals, 4) == ["U0ANA", "U0BEN", "U0ANA", "U0BEN"]
    known = {"U0ANA": Credit(0, NOON), "U0BEN": Credit(0, NOON - timedelta(days=1))}
    turn = choose(equals, known, at=NOON)
    assert turn is not None
    assert turn.user == "U0BEN"


def test_if_nobody_is_there_nobody_takes_it() -> None:
    assert choose([], {}, at=NOON) is None


def test_who_comes_back_is_neither_flooded_nor_passed_over() -> None:
    equals = [RotationMember("U0ANA"), RotationMember("U0BEN")]
    taken = turns(equals, 120, lambda n: {"U0ANA"} if n < 100 else {"U0ANA", "U0BEN"})
    assert Counter(taken[100:]) == {"U0ANA": 10, "U0BEN": 10}


@pytest.mark.parametrize("seed", range(20))
def test_with_absences_nobody_is_off_their_share_by_more_than_about_one_turn(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  tests draw the same each time
    members = [RotationMember(f"U{n}", dice.randint(1, 10)) for n in range(dice.randint(2, 6))]
    here = {member.user for member in members}
    share, got = defaultdict[str, float](float), Counter[str]()
    credits_: dict[str, Credit] = {}
    at: datetime = NOON
    for _ in range(500):
        here ^= {dice.choice(members).user} if dice.random() < 0.1 else set()
        present = [member for member in members if member.user in here]
        at += timedelta(minutes=1)
        turn = choose(present, credits_, at=at)
        if turn is None:
            continue
        credits_ |= turn.credits
        got[turn.user] += 1
        for member in present:
            share[member.user] += member.weight / sum(each.weight for each in present)
        assert all(abs(share[user] - got[user]) < 1.2 for user in share)

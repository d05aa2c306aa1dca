"""Let a store look as if a team of thirty had worked with it for two years: cards, owners, emails, replies, 500 trials
of today.

What is chosen depends on ids alone, so that every run measures the same.
"""

import sys
from pathlib import Path
from typing import Final

from benchmarks.seed import quick, without_indexes
from benchmarks.vendor import TODAY

CHANNEL: Final = "C0BENCH"
A_DAY: Final = 500
"""Trials that began today."""
_TEAM: Final = 30
_YEARS: Final = 2
_MOMENT: Final = "09:00:00.000000"

_STEPS: Final = (
    # Copies of a trial began on the same day. Of trials that are over, each copy began on another one.
    """UPDATE evaluation SET started = date(started, '-' || (id / 1000000 % 90) || ' days'),
        ends = date(ends, '-' || (id / 1000000 % 90) || ' days') WHERE state <> 'running'""",
    # Of the trials of two years, each has a card; six in ten have an owner, one in ten is done.
    f"""UPDATE evaluation SET channel = '{CHANNEL}', card_ts = id || '.000100',
        first_seen = date(started, '+1 day') || ' {_MOMENT}',
        owner = CASE WHEN id % 10 < 6 THEN printf('U0BENCH%02d', id / 10 % {_TEAM}) END,
        owned_at = CASE WHEN id % 10 < 6 THEN date(started, '+2 day') || ' {_MOMENT}' END,
        done_at = CASE WHEN id % 10 = 3 THEN date(started, '+3 day') || ' {_MOMENT}' END,
        done_by = CASE WHEN id % 10 = 3 THEN printf('U0BENCH%02d', id / 10 % {_TEAM}) END,
        not_for_us_at = CASE WHEN id % 20 = 19 THEN date(started, '+1 day') || ' {_MOMENT}' END,
        not_for_us_by = CASE WHEN id % 20 = 19 THEN 'U0BENCH00' END,
        not_for_us_reason = CASE WHEN id % 20 = 19 THEN 'student' END,
        waiting_since = CASE WHEN id % 1000 = 7 THEN date(started, '+5 day') || ' {_MOMENT}' END
        WHERE merged_into IS NULL AND started >= date('{TODAY}', '-{_YEARS} year')""",
    f"""UPDATE evaluation SET started = '{TODAY}', ends = date('{TODAY}', '+30 day'), owner = NULL, owned_at = NULL,
        first_seen = '{TODAY} {_MOMENT}', done_at = NULL, not_for_us_at = NULL, waiting_since = NULL
        WHERE id IN (SELECT id FROM evaluation WHERE state = 'running' ORDER BY id LIMIT {A_DAY})""",
    """INSERT INTO history (evaluation_id, at, kind, actor, details)
        SELECT id, owned_at, 'assigned', owner, json_object('owner', owner) FROM evaluation WHERE owner IS NOT NULL""",
    # Every second of an owner's trials got an email, every tenth of these was answered.
    f"""INSERT INTO mail (evaluation_id, template, address_key, content, state, message_id, actor, at, settled_at)
        SELECT id, CASE id % 3 WHEN 0 THEN 'welcome' ELSE 'help' END, 'key-' || id, x'00', 'sent',
        id || '@bench.example', owner, owned_at, owned_at
        FROM evaluation WHERE owner IS NOT NULL AND id % 2 = 0 AND owned_at < '{TODAY}'""",
    """INSERT INTO reply (evaluation_id, mail_id, message_key, writer_key, kind, writer, at)
        SELECT evaluation_id, id, 'reply-' || id, address_key, 'reply', 'contact', at FROM mail WHERE id % 10 = 0""",
)


def work(store: Path) -> None:
    """Let a team have worked with a store."""
    with quick(store) as connection, without_indexes(connection, of="evaluation"):
        for step in _STEPS:
            connection.execute(step)


if __name__ == "__main__":
    work(Path(sys.argv[1]))

"""The health of the bot on the command line."""

from bot.cli.output import format_health
from tests.slack.views.test_health import condition


def test_check_counts_emails_whose_bounce_nobody_can_read() -> None:
    line = "! Something came back for 2 emails of the last 30 days that I can't read as a bounce."

    assert line in list(format_health(condition(bounces_unclear=2)))
    assert [each for each in format_health(condition()) if "came back" in each] == []

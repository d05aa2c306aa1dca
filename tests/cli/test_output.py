"""What the command line says of how the bot is doing."""

from bot.cli.output import conditioned
from tests.slack.views.test_health import condition


def test_check_counts_emails_whose_bounce_nobody_can_read() -> None:
    line = "! Emails of the last 30 days with a bounce that cannot be read: 2"

    assert line in list(conditioned(condition(bounces_unclear=2)))
    assert [each for each in conditioned(condition()) if "bounce" in each] == []

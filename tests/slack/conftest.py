"""Fixtures of the tests around Slack."""

from tests.mail.conftest import tls

__all__ = ["tls"]

"""Slack: what messages and modals look like, and how they get there."""

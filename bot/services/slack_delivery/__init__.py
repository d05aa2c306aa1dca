"""Deliver the outbox to Slack, within Slack's rate limits."""

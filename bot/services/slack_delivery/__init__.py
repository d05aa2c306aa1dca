"""Deliver the outbox to Slack, at the pace that Slack allows."""

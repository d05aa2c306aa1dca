"""The Slack outbox: queued deliveries, their order and their outcomes."""

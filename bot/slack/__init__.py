"""Slack: how messages and modals look, and the client that sends them."""

"""Webhooks: addresses, events, and what still has to be delivered."""

"""Watch over the bot itself: alerts, health, the set-up check."""

"""What the bot counts for Prometheus: the names, their closed lists of labels, and the meter that counts."""

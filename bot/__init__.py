"""Evaluator Bot: tells a Marketplace vendor's team in Slack who started to evaluate what, once, with buttons."""

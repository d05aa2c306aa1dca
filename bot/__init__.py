"""Evaluator Bot: posts a card with buttons in Slack, once for each trial that a customer of a Marketplace vendor
starts.
"""

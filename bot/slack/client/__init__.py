"""Slack client: the Web API, users, errors, Socket Mode."""

"""Talk to Slack: the Web API, users, errors, Socket Mode."""

"""What people see in Slack, as pure functions from values to blocks."""

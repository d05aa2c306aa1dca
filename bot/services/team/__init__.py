"""The team: permissions, owners of evaluations, and today's list."""

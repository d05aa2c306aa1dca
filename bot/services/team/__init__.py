"""The team: who may do what, who owns what, what happened today."""

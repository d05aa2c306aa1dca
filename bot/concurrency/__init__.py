"""Generic helpers for tasks, locks and rates."""

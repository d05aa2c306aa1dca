"""License records of the report: look up, compare, write, merge."""

"""Read the licenses report and record what is new in it."""

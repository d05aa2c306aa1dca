"""The lines in a card's thread, with buttons where a person has to decide."""

"""The lines in a card's thread; where a person has to decide, with buttons."""

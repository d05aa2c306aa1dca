"""What a mail is on its way: the words, sealed in the database; what was ordered, held, taken, stopped, decided."""

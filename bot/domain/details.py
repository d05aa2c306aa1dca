"""The details of a customer when one record has more than another."""

"""The promises about time and memory, measured against a floor in the same run: `make bench`."""

"""A customer's site with the vendor's app on it: somebody installs it, asks a question, and reads the answer."""

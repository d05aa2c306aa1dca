"""Read the messages that mail servers send back."""

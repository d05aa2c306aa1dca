"""The unsubscribe page behind the links in emails."""

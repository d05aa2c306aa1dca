"""Email: templates, composing, sending, and what comes back."""

"""Read what mail servers send back."""

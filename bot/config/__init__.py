"""Settings: from the environment and a `.env` file; nothing else reads either."""

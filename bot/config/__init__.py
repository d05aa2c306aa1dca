"""Settings from the environment and a `.env` file. No other module reads either."""

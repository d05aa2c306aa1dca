"""Process what comes back from customers: bounces, replies, signals of apps, feedback."""

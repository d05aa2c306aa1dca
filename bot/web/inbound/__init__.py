"""What the vendor's apps and backends send: verify who sends it, and read it."""

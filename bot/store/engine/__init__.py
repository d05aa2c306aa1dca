"""The database engine: connections, transactions, bulk inserts, migrations. It names no table."""

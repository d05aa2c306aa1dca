"""The database engine: connections, transactions, bulk inserts, migrations. No table is named here."""

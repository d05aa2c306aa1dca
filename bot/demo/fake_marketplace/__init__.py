"""A small Marketplace on loopback, strict where the real one is."""

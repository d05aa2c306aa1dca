"""Keys, encryption and signatures."""

"""What is known of a customer when one record says more than another."""

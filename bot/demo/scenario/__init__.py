"""What happens in the demo: invented customers and their trials."""

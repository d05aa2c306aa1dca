"""Take in what comes back from outside: bounces and complaints."""

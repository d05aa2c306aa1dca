"""Process what comes back from outside: bounces and complaints."""

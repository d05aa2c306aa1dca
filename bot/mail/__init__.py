"""Mail: templates, composing, handing over to the server."""

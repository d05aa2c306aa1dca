"""Choose a template and fill it with the facts of one evaluation."""

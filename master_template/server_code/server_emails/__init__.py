"""E-mail: templates, the queue, and who sends it."""

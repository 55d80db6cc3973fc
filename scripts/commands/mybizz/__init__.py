"""``scripts/mybizz``: one command line for releases and instances."""

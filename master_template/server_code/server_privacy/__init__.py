"""Privacy: what is kept about a person, their consent, erasure, and how long things are kept."""

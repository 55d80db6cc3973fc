"""Products: what the business sells from a shelf, and how much of it is there."""

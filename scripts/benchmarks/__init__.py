"""What is measured: a module an area, each with ``measure() -> Iterator[Figure]``."""

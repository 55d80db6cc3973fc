"""What a trusted script does to an instance once: set it up, and fill in sample data."""

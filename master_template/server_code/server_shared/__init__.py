"""What three or more areas of the server use."""

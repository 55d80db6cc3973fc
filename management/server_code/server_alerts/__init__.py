"""What is wrong, and who sees to it."""

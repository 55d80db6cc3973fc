"""What the operator agent is asked to do."""

"""The businesses that run, as the operator agent tells of them."""

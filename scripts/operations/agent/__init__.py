"""The operator agent: does what the console asks, and tells it how the installation is."""

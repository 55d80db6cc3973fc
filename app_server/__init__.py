"""The embedded App Server: runs Anvil apps without a JVM, many instances in one process."""

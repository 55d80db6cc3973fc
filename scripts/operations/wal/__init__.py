"""The write-ahead log's archive: restoring to any moment."""

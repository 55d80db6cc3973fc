"""HTTP and WebSocket addresses of an instance."""

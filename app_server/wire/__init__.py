"""What crosses a socket: messages, values and the marks that prove where they came from."""

"""Several validators on this machine's loopback, for trying things out and for tests."""

"""The deterministic application: what the chain computes, and nothing that looks at the world."""

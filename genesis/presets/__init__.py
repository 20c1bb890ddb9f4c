"""The parameter values that chains start from: the whitepaper's, a localnet's, and small ones for tests."""

"""The state as bytes: backends, overlays, the sparse Merkle tree, and the store that commits all three at once."""

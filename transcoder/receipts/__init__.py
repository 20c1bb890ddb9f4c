"""From media to receipts: leaves, manifests, and what a claim's Merkle tree is made of."""

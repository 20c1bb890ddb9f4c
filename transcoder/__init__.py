"""The off-chain nodes: broadcaster, transcoder and verifier, their media engine and their storage."""

"""Account keys: Ethereum keystore V3 files, one per name."""

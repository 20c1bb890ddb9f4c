"""CometBFT: its binary (found, built, checked), its home directory, its configuration and keys."""

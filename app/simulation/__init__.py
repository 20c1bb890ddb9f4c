"""The real protocol under described actors, for years of rounds: blocks in memory, no consensus, no clock."""

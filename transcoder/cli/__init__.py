"""The commands of the off-chain nodes, found by `headwater` through entry points."""

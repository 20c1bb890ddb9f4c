"""The commands of the off-chain roles; they join `headwater` through entry points."""

"""What every off-chain service stands on: a shell with health and metrics, structured logs, and careful HTTP."""

"""Running and talking to the chain: CometBFT, nodes, keys, RPC, transactions, the command line."""

"""What waits for a block: CometBFT's mempool as CheckTx sees it (`view`), and the application's own (`pool`)."""

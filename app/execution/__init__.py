"""From blocks of bytes to state: what happens to a transaction, a block, a proposal and a query."""

"""What crosses a process boundary: transactions, segments, receipts, records with proofs, rejections, events."""

"""Transactions from this side: build, sign, broadcast, wait, understand the answer; and questions to the chain."""

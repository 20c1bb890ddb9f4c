"""A node's JSON-RPC: a typed client, subscriptions, and reads that check the proof."""

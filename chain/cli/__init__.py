"""The `headwater` command: the root group, shared output, and the groups that belong to the chain."""

"""What the roles decide, without I/O: the chain's view, the journal's view and the time go in, actions come out."""

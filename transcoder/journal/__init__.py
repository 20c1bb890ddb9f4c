"""What a role must not forget when it is killed: a durable journal per role, in SQLite."""

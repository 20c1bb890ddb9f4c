"""The roles at work: asyncio shells that read the chain, ask the role of the same name, and do what it decided."""

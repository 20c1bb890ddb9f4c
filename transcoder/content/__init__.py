"""Content by its hash: an embedded store on disk, a server of it, and a client that trusts no source."""

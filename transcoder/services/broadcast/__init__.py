"""The parts of a broadcaster: source, payloads, delivery, playlists, and its papers on the chain."""

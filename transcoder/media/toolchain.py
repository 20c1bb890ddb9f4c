"""Which build encodes here: goes into receipts, for whoever looks into a dispute."""

import av


def fingerprint() -> str:
    """PyAV's version and those of the libraries that decide bytes, in at most 64 characters."""
    wanted = ("libavcodec", "libswscale", "libavformat")
    parts = [f"{name[3:]}={'.'.join(map(str, av.library_versions[name]))}" for name in wanted]
    return f"pyav={av.__version__} {' '.join(parts)}"[:64]

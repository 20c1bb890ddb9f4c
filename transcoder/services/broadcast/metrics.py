"""What a broadcaster counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_SECONDS = (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 20, 40, 80)


class BroadcastMetrics:
    """The broadcaster's metrics in a registry.

    Attributes:
        segments: by outcome: signed, sent (each attempt), receipted, refused (a wrong answer), failed, dropped.
        latency_seconds: from the moment a live source had the segment complete to when players can have it.
        bytes: of segments sent and of renditions received.
        queued: segments by place: waiting, sending.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.segments = Counter("headwater_segments", "Segments by outcome", ["outcome"], registry=registry)
        self.latency_seconds = Histogram(
            "headwater_segment_latency_seconds", "From due to playable", registry=registry, buckets=_LATENCY_SECONDS
        )
        self.bytes = Counter("headwater_media_bytes", "Bytes of media by direction", ["direction"], registry=registry)
        self.queued = Gauge("headwater_segments_queued", "Segments on their way", ["place"], registry=registry)
        for outcome in ("signed", "sent", "receipted", "refused", "failed", "dropped"):
            self.segments.labels(outcome)
        for direction in ("sent", "received"):
            self.bytes.labels(direction)

"""What can be wrong with somebody's video, as one exception with a reason a program can branch on."""

from enum import StrEnum


class MediaReason(StrEnum):
    """Why a piece of media was refused."""

    EMPTY = "empty"
    NOT_MEDIA = "not-media"
    TRUNCATED = "truncated"
    NO_VIDEO = "no-video"
    UNSUPPORTED = "unsupported"
    DAMAGED = "damaged"
    TOO_LARGE = "too-large"
    ENCODER_FAILED = "encoder-failed"


class MediaError(Exception):
    """Refused media: `reason` for programs, `text` for people (what is wrong and, where it helps, what to do)."""

    def __init__(self, reason: MediaReason, text: str) -> None:
        super().__init__(f"{reason.value}: {text}")
        self.reason = reason
        self.text = text

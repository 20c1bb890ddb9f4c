"""What can go wrong with content; each text says what to do."""

from chain.failures import EXIT_UNREACHABLE, Failure


class ContentMissing(Failure):
    """The store does not have it (any more)."""


class ContentTooLarge(Failure):
    """One piece of content is above the limit for a single piece."""


class StoreFull(Failure):
    """What is pinned leaves no room."""


class FetchFailed(Failure):
    """No source gave the content; `reports` says what each of them did."""

    exit_code = EXIT_UNREACHABLE

    def __init__(self, text: str, reports: tuple[tuple[str, str], ...]) -> None:
        super().__init__(text)
        self.reports = reports

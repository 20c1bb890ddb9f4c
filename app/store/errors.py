"""What the store raises. None of these is a transaction's result: each has a text for the operator."""


class StoreError(Exception):
    """The state on disk cannot be used; the text says why and what to do."""


class StoreInUse(StoreError):
    """Another process, or another part of this one, has the same store open."""


class StoreCorrupt(StoreError):
    """What is on disk is damaged or incomplete."""


class StoreClosed(StoreError):
    """The store was closed before this call."""


class HistoryUnavailable(StoreError):
    """The asked height is not kept: too old, in the future, or never committed here."""

"""What can be wrong with a journal; each text says what to do."""

from chain.failures import Failure, UsageFailure


class DatabaseDamaged(Failure):
    """The file is not a healthy database, or the disk refuses to keep it."""


class DatabaseTooNew(UsageFailure):
    """A newer version of Headwater wrote the file."""


class InUse(UsageFailure):
    """Another process works with it."""


class WrongOwner(UsageFailure):
    """The journal belongs to another role, another key or another chain."""


class Conflict(Failure):
    """A record contradicts one that is kept already: a mistake of the caller that must not be papered over."""

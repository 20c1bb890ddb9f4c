"""What can be wrong with a genesis document."""

from collections.abc import Sequence


class GenesisError(ValueError):
    """A document, or a change to one, that cannot be; `problems` holds one `path: text` each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)

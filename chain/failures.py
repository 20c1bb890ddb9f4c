"""The root of every error that a user of Headwater's tools can cause or meet, and the exit code each stands for."""

from typing import Any

EXIT_ACCEPTED = 0
EXIT_REJECTED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3


class Failure(Exception):
    """Something went wrong that the user can act on: its text says what happened and what to do.

    The command line prints the text without a traceback and ends with `exit_code`.
    """

    exit_code = EXIT_REJECTED

    def details(self) -> dict[str, Any]:
        """What a program may want to know besides the text; goes into the JSON form of the failure."""
        return {}


class UsageFailure(Failure):
    """What was asked for cannot be meant: a bad name, a wrong option, a file in the wrong place."""

    exit_code = EXIT_USAGE

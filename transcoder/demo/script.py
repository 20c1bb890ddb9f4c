"""What a demonstration is asked to be, and who takes part in it."""

from dataclasses import dataclass
from pathlib import Path

from app.primitives.amounts import Lpt, Wei, parse_lpt, parse_wei
from transcoder.media.tamper import Cheat

VERIFIERS = 3
WANTED_CHALLENGES = 6
"""How many challenged segments a demonstration should have on average."""

FUNDS_LPT = parse_lpt("10000LPT")
FUNDS_WEI = parse_wei("100ETH")
VERIFIER_BOND = parse_lpt("10LPT")
OFFER = parse_wei("100gwei")
ASK = parse_wei("50gwei")
TOO_DEAR = parse_wei("500gwei")
DEPOSIT = parse_wei("1ETH")


@dataclass(frozen=True, slots=True)
class Script:
    """The options of one demonstration."""

    root: Path
    clip: Path
    duration_seconds: int = 60
    validators: int = 4
    transcoders: int = 3
    cheat: Cheat | None = None
    keep: bool = False

    @property
    def names(self) -> "Cast":
        """Who takes part."""
        return Cast(
            "broadcaster",
            tuple(f"transcoder{number}" for number in range(self.transcoders)),
            tuple(f"verifier{number}" for number in range(VERIFIERS)),
        )

    def verification_rate(self, segment_milliseconds: int) -> int:
        """One segment in how many is challenged, so that a short demonstration sees some as well."""
        segments = self.duration_seconds * 1000 // segment_milliseconds
        return max(1, min(5, segments // WANTED_CHALLENGES))


@dataclass(frozen=True, slots=True)
class Cast:
    """The names of the off-chain parties; each has a home, a key and a process of its own."""

    broadcaster: str
    transcoders: tuple[str, ...]
    verifiers: tuple[str, ...]

    @property
    def everybody(self) -> tuple[str, ...]:
        """All of them."""
        return (self.broadcaster, *self.transcoders, *self.verifiers)


def stake_of(number: int) -> Lpt:
    """What a transcoder bonds: each another amount, so that the election has something to order."""
    return Lpt(parse_lpt("500LPT") + number * parse_lpt("100LPT"))


def price_of(script: Script, number: int) -> Wei:
    """What a transcoder asks. Where one cheats, only the first, the cheat, asks no more than what is offered."""
    return ASK if script.cheat is None or number == 0 else TOO_DEAR

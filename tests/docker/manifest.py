"""What a network is made of and what happens to it: data, which a seed can make as well."""

from dataclasses import dataclass
from enum import Enum
from random import Random


class Kind(Enum):
    """What is done to validators from outside."""

    KILL = "kill"
    PAUSE = "pause"
    RESTART = "restart"
    DISCONNECT = "disconnect"
    PARTITION = "partition"
    KILL_APPLICATION = "kill application"
    KILL_COMETBFT = "kill CometBFT"


@dataclass(frozen=True)
class Perturbation:
    """Something done to the validators of these numbers for so many seconds.

    `halts` says that the others are too few for blocks while it lasts.
    """

    kind: Kind
    targets: tuple[int, ...]
    seconds: float = 5.0
    halts: bool = False

    def __str__(self) -> str:
        return f"{self.kind.value} {', '.join(map(str, self.targets))}"


@dataclass(frozen=True)
class Manifest:
    """A network, its load, and what is done to it one after the other.

    `settle_seconds` is load without disturbance before, between and after; `accounts` have money and a home.
    """

    name: str
    validators: int = 4
    transfers_per_second: float = 4.0
    perturbations: tuple[Perturbation, ...] = ()
    settle_seconds: float = 3.0
    transcoders: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    verification_rate: int | None = None
    commit_ms: int = 800
    recovery_limit_seconds: float = 20.0


def each_in_turn(kind: Kind, rounds: int = 1, validators: int = 4, seconds: float = 5.0) -> tuple[Perturbation, ...]:
    """The same done to every validator, one after the other, so many times."""
    return tuple(Perturbation(kind, (number,), seconds) for _ in range(rounds) for number in range(validators))


def make_random(seed: int) -> Manifest:
    """One to five validators, and a row of perturbations in any order; the same seed gives the same."""
    random = Random(seed)
    validators = random.randint(1, 5)
    perturbations = tuple(_random_perturbation(random, validators) for _ in range(random.randint(3, 6)))
    return Manifest(f"random {seed}", validators, perturbations=perturbations, recovery_limit_seconds=300)


def _random_perturbation(random: Random, validators: int) -> Perturbation:
    kind = random.choice(list(Kind))
    most = 1 if kind in {Kind.KILL_APPLICATION, Kind.KILL_COMETBFT} else validators
    targets = tuple(sorted(random.sample(range(validators), random.randint(1, most))))
    has_quorum = 3 * (validators - len(targets)) > 2 * validators
    if kind is Kind.PARTITION:
        has_quorum = has_quorum or 3 * len(targets) > 2 * validators
    lasts = kind in {Kind.PAUSE, Kind.DISCONNECT, Kind.PARTITION}
    return Perturbation(kind, targets, random.choice([5.0, 10.0, 15.0]), halts=lasts and not has_quorum)

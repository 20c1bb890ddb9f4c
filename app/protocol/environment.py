"""Every outside fact that a transition may use: which block it is in, and who sent the transaction.

A transition has no other input than these, the state and the message (style.md, point 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.params import Params
from app.primitives.address import Address
from app.primitives.amounts import Height, Wei
from app.primitives.hashing import Hash32

NOBODY = Address(bytes(20))
"""Stands where there is no account: no transcoder drawn, no proposer known."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """That a validator, by CometBFT's address of its key, has signed two things of one height."""

    validator: Address
    height: Height


@dataclass(slots=True)
class BlockEnv:
    """One block.

    Attributes:
        randomness: of this block, from `sortition`; settles what was asked for in earlier blocks.
        proposer: CometBFT's address of the proposer's consensus key.
        params: those in force; a round's start may replace them.
        events: what the block has to tell, in order.
        fees: transaction fees taken in this block, not yet credited.
        absent: CometBFT's addresses of the validators that did not sign the block before.
        evidence: of validators that misbehaved, as CometBFT has found it good.
    """

    chain_id: str
    height: Height
    randomness: Hash32
    proposer: Address
    params: Params
    events: list[Any] = field(default_factory=list)
    fees: Wei = Wei(0)
    absent: Sequence[Address] = ()
    evidence: Sequence[Evidence] = ()

    def emit(self, event: Any) -> None:
        """Tell the world, in an event of `app.messages.events`."""
        self.events.append(event)

    def change_params(self, params: Params) -> None:
        """Let other parameters be in force from now on, for what follows in the block."""
        self.params = params


@dataclass(slots=True)
class TxEnv:
    """One transaction in its block; its events are dropped when it is rejected."""

    block: BlockEnv
    sender: Address
    events: list[Any] = field(default_factory=list)

    def emit(self, event: Any) -> None:
        """Tell the world, in an event of `app.messages.events`."""
        self.events.append(event)

    def change_params(self, params: Params) -> None:
        """Let other parameters be in force from now on; they are those of before when the transaction is rejected."""
        self.block.change_params(params)

    @property
    def height(self) -> Height:
        """The height of the block."""
        return self.block.height

    @property
    def randomness(self) -> Hash32:
        """The randomness of the block."""
        return self.block.randomness

    @property
    def params(self) -> Params:
        """The parameters in force."""
        return self.block.params


Env = BlockEnv | TxEnv

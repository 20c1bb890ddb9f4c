"""What happens to balances, stake, rounds and validators: events (`app.messages.events` has all of them)."""

from dataclasses import dataclass

from app.messages.bodies import Denom
from app.messages.records import LeaveReason, SlashReason
from app.primitives.address import Address
from app.primitives.amounts import Amount, Height, Lpt, Round, Wei
from app.primitives.fractions import Fraction


@dataclass(frozen=True, slots=True)
class TransferEvent:
    """A balance went from one account to another."""

    sender: Address
    recipient: Address
    denom: Denom
    amount: Amount


@dataclass(frozen=True, slots=True)
class FeePaid:
    """A transaction's fee was taken, whatever became of its messages."""

    payer: Address
    amount: Wei


@dataclass(frozen=True, slots=True)
class FeesCredited:
    """Fees went to a transcoder and to those bonded to it, or (transcoder zero) to the CommonPool.

    `delegators` is for the pool of all who are bonded to it, `own` for the transcoder's own fees; or, `to_balance`, for
    its balance where it has never been bonded.
    """

    transcoder: Address
    delegators: Wei
    own: Wei
    to_balance: bool = False


@dataclass(frozen=True, slots=True)
class FeesCollected:
    """A delegator's part of its pool's fees became its own fees, which it can withdraw."""

    delegator: Address
    candidate: Address
    amount: Wei


@dataclass(frozen=True, slots=True)
class FeesLeftOver:
    """What divisions have left of a pool's fees went to the CommonPool, because nobody has a part in them any more."""

    candidate: Address
    amount: Wei


@dataclass(frozen=True, slots=True)
class Bonded:
    """LPT was bonded from a balance, earning from the next round on."""

    delegator: Address
    candidate: Address
    amount: Lpt


@dataclass(frozen=True, slots=True)
class BondMoved:
    """A whole bond went from one candidate to another."""

    delegator: Address
    from_candidate: Address
    to_candidate: Address
    amount: Lpt


@dataclass(frozen=True, slots=True)
class Unbonded:
    """Stake went into a lock, from which it can be withdrawn at `release_height`.

    It lies in a batch of its candidate, of locks that answer for offences until the same height and were slashed alike:
    a lock is worth its part of what is left of the batch.
    """

    delegator: Address
    candidate: Address
    lock_id: int
    amount: Lpt
    release_height: Height
    liable_until: Height
    batch: int


@dataclass(frozen=True, slots=True)
class Rebonded:
    """What was left of a lock was bonded again; it earns from the next round on."""

    delegator: Address
    candidate: Address
    lock_id: int
    amount: Lpt


@dataclass(frozen=True, slots=True)
class LockWithdrawn:
    """What was left of a lock went into its owner's balance."""

    delegator: Address
    lock_id: int
    amount: Lpt


@dataclass(frozen=True, slots=True)
class StakeUpdated:
    """An account's record was brought up to date: its whole stake and its collected fees."""

    delegator: Address
    stake: Lpt
    fees: Wei


@dataclass(frozen=True, slots=True)
class StakeSlashed:
    """All that answers for a transcoder lost the same fraction: what is bonded towards it, and what is unbonding.

    `finder_fee` went to the finders (`FinderPaid` says to whom), the rest to the CommonPool; the finder is zero where
    the chain found it, and the first of them where there are several.
    """

    transcoder: Address
    reason: SlashReason
    offence_height: Height
    fraction: Fraction
    bonded: Lpt
    unbonding: Lpt
    finder: Address
    finder_fee: Lpt


@dataclass(frozen=True, slots=True)
class FinderPaid:
    """Who found an offence, or one of several who did, got its part of the finder's fee into its balance."""

    finder: Address
    amount: Lpt


@dataclass(frozen=True, slots=True)
class LockBatchSlashed:
    """A slash, which `StakeSlashed` tells as a whole, took this from a batch of locks (`Unbonded` says of which)."""

    candidate: Address
    liable_until: Height
    batch: int
    amount: Lpt


@dataclass(frozen=True, slots=True)
class TranscoderLeft:
    """A transcoder is no candidate any more."""

    transcoder: Address
    reason: LeaveReason


@dataclass(frozen=True, slots=True)
class TranscoderJailed:
    """A validator missed more than its share of blocks and is out of the set until it sends Unjail."""

    transcoder: Address
    missed_blocks: int
    jailed_until: Height


@dataclass(frozen=True, slots=True)
class TranscoderUnjailed:
    """A jailed transcoder may be elected again."""

    transcoder: Address


@dataclass(frozen=True, slots=True)
class ConsensusKeyRotated:
    """A transcoder signs blocks with another key; the old one stays its own for evidence."""

    transcoder: Address
    old_pubkey: bytes
    new_pubkey: bytes


@dataclass(frozen=True, slots=True)
class TranscoderUpdated:
    """A transcoder registered or changed its rates; `waiting_position` is 0 where its stake is in the active set."""

    transcoder: Address
    price_per_segment: Wei
    block_reward_cut: Fraction
    fee_share: Fraction
    effective_round: Round
    waiting_position: int


@dataclass(frozen=True, slots=True)
class AvailabilityChanged:
    """A transcoder offers so many job slots now."""

    transcoder: Address
    slots: int


@dataclass(frozen=True, slots=True)
class RoundInitialized:
    """A round was initialised."""

    round: Round
    active_transcoders: int
    active_stake: Lpt
    inflation_rate: Fraction
    mintable: Lpt


@dataclass(frozen=True, slots=True)
class RewardPaid:
    """LPT was minted for a transcoder and those bonded to it."""

    transcoder: Address
    round: Round
    amount: Lpt
    transcoder_cut: Lpt


@dataclass(frozen=True, slots=True)
class RewardWithheld:
    """A reward was not minted because the transcoder left too much work undone (CompetitivenessTolerance)."""

    transcoder: Address
    round: Round
    amount: Lpt
    work: int
    expected_work: int


@dataclass(frozen=True, slots=True)
class RewardMissed:
    """A transcoder did not call Reward in a round."""

    transcoder: Address
    round: Round
    in_a_row: int


@dataclass(frozen=True, slots=True)
class ValidatorChanged:
    """A consensus validator's power was set; 0 removes it."""

    operator: Address
    pubkey: bytes
    power: int

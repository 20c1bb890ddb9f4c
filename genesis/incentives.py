"""Whether honest conduct pays more than the other kinds, under given parameters (whitepaper, *Verification of Work*).

Each comparison is for the weakest transcoder that parameters admit, one whose own stake is `min_self_bond`, and leaves
out what also speaks against it: delegators that leave, and the loss of its place. What a conduct gains and what it
costs is in wei; LPT is counted at a price, because the protocol knows none. The formula for a faked segment is
media.md's, section 3: v·S·s > p.

A proposer that grinds the hash of its block loses nothing, so that no parameter makes grinding a loss; it is only
bounded by how much it can hide (`compute_hidden_segments`). That ends with another source of randomness.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from app.messages.bodies import Body, ClaimWork, Reward, SegmentRange
from app.messages.fees import compute_min_fee
from app.messages.transaction import TxBody, decode_tx, encode_body, seal
from app.params import Params
from app.primitives.amounts import UNITS_PER_TOKEN, Wei
from app.primitives.fractions import ONE, format_fraction, fraction_of, mul_floor
from app.primitives.hashing import ZERO_HASH

SIGNATURE_LENGTH = 65
RATE_LIMIT = 10**9
LEAST_WEI_PER_LPT = Wei(10**15)
"""0.001 ETH for an LPT: below what it has traded at from 2018 to 2025, so that what is at stake is not made to look
like more."""
DEAREST_UNITS = 37
"""Units of work of a segment in 1080p, 720p, 480p, 360p and 240p at 30 frames per second."""
DEAR_PRICE = Wei(100 * 10**9)
"""100 gwei per unit of work, the price that `genesis add-validator` and a localnet's transcoders ask."""
HASHES_PER_PROPOSAL = 100_000
"""What one core tries in the three seconds that a proposer has (cometbft.md, section 3)."""


@dataclass(frozen=True, slots=True)
class Market:
    """What the protocol does not know: the price of an LPT, and the fee of the dearest segment, all renditions."""

    wei_per_lpt: Wei = LEAST_WEI_PER_LPT
    fee_per_segment: Wei = Wei(DEAREST_UNITS * DEAR_PRICE)


@dataclass(frozen=True, slots=True)
class Incentive:
    """What a conduct gains and what it costs, in wei, on average and each time; and where it would begin to pay."""

    conduct: str
    gain: int
    loss: int
    limit: str = ""

    @property
    def is_safe(self) -> bool:
        """Whether the conduct costs more than it gains."""
        return self.loss > self.gain


@dataclass(frozen=True, slots=True)
class _Edge:
    """Of which parameter a conduct depends most, and between which values to look for where it begins to pay."""

    compute: Callable[[Params, Market], Incentive]
    parameter: str
    label: str
    good: int
    bad: int
    show: Callable[[int], str] = format_fraction


def find_incentives(params: Params, market: Market) -> list[Incentive]:
    """Every conduct that parameters must not reward, each with where it would begin to pay, all else equal."""
    edges = [
        _Edge(compute_faking, "verification_rate", "rate", 1, RATE_LIMIT, str),
        _Edge(compute_faking_a_little, "verification_failure_threshold", "threshold", 0, ONE),
        _Edge(compute_hiding, "missed_verification_slash_amount", "miss slash", ONE, 0),
        *([] if params.auto_reward else [_Edge(compute_laziness, "inflation_rate", "inflation", ONE, 0)]),
    ]
    found = [replace(edge.compute(params, market), limit=_tell_limit(params, market, edge)) for edge in edges]
    return [*found, replace(compute_splitting(params, market), limit="never")]


def compute_faking(params: Params, market: Market) -> Incentive:
    """A segment claimed without work: its whole fee against a slash of the stake, one time in `verification_rate`.

    The work saved costs no more than its fee. A claim is slashed once, however much of it is faked, but it is lost as a
    whole as well, so that a larger one with more faked segments costs more for what it gains than this one segment.
    """
    slashed = fraction_of(params.min_self_bond, params.failed_verification_slash_amount)
    loss = _worth(slashed, market) // params.verification_rate
    return Incentive("faking segments", market.fee_per_segment, loss)


def compute_faking_a_little(params: Params, market: Market) -> Incentive:
    """Faking just so much that failures stay within `verification_failure_threshold`, where nothing is slashed.

    What remains is the claim, which is lost with each failure. A small claim loses less, but each claim costs a fee of
    its own; the size that costs the cheater least is what counts. Without a threshold there is no such room.
    """
    share = params.verification_failure_threshold
    if share == 0:
        return Incentive("faking within the threshold", 0, 1)
    claim_fee = compute_fee(ClaimWork(1, (SegmentRange(0, 0),), ZERO_HASH), params)
    costs = [
        size * market.fee_per_segment // params.verification_rate + mul_floor(claim_fee, ONE, size * share)
        for size in range(1, params.max_segments_per_claim + 1)
    ]
    return Incentive("faking within the threshold", market.fee_per_segment, min(costs))


def compute_hiding(params: Params, market: Market) -> Incentive:
    """Showing no receipt where a challenge would fail: the slash of the one against that of the other."""
    failed = fraction_of(params.min_self_bond, params.failed_verification_slash_amount)
    missed = fraction_of(params.min_self_bond, params.missed_verification_slash_amount)
    return Incentive("hiding a failure as a miss", _worth(failed, market), _worth(missed, market))


def compute_laziness(params: Params, market: Market) -> Incentive:
    """Not calling Reward now and then: the fee saved against the reward of the stake, where all LPT is bonded.

    Counted at the inflation that the chain starts with. At no inflation nobody earns anything from the call, and
    nobody loses by its absence until `missed_reward_threshold` slashes.
    """
    reward = _worth(fraction_of(params.min_self_bond, params.inflation_rate), market)
    return Incentive("not calling Reward", compute_fee(Reward(), params), reward)


def compute_splitting(params: Params, market: Market) -> Incentive:
    """Dividing a stake over two candidates: the sum of their rewards against the reward of the whole."""
    stake, rate = 2 * params.min_self_bond + 1, params.inflation_rate
    parts = fraction_of(stake // 2, rate) + fraction_of(stake - stake // 2, rate)
    gain = max(0, _worth(parts, market) - compute_fee(Reward(), params))
    return Incentive("splitting a stake", gain, _worth(fraction_of(stake, rate), market))


def compute_hidden_segments(params: Params, tries: int = HASHES_PER_PROPOSAL) -> int:
    """How many faked segments of one claim a proposer hides by trying so many hashes of the next block.

    The most for which a hash that challenges none of them, whose chance is (1 - 1/v)^m, is found in so many tries;
    where each segment is challenged it is none, and it is never more than a claim can have.
    """
    rate, hidden, chance_of_one = params.verification_rate, 0, ONE * ONE
    while hidden < params.max_segments_per_claim:
        chance_of_one = chance_of_one * (rate - 1) // rate
        if chance_of_one * tries < ONE * ONE:
            break
        hidden += 1
    return hidden


def compute_fee(message: Body, params: Params) -> Wei:
    """The least fee of a transaction with this one message."""
    body = TxBody("headwater", 10**6, Wei(10**16), 0, (message,))
    return compute_min_fee(decode_tx(seal(encode_body(body), bytes(SIGNATURE_LENGTH))), params)


def find_limit(holds: Callable[[int], bool], good: int, bad: int) -> int | None:
    """The last value from `good` towards `bad` for which something holds, that holds up to some value and not beyond.

    None where it does not even hold for `good`.
    """
    if not holds(good):
        return None
    if holds(bad):
        return bad
    while abs(bad - good) > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return good


def _tell_limit(params: Params, market: Market, edge: _Edge) -> str:
    def is_safe(value: int) -> bool:
        changes: dict[str, Any] = {edge.parameter: value}
        return edge.compute(replace(params, **changes), market).is_safe

    limit = find_limit(is_safe, edge.good, edge.bad)
    if limit is None:
        return f"at any {edge.label}"
    return "never" if limit == edge.bad else f"{edge.label} {'>' if edge.bad > edge.good else '<'} {edge.show(limit)}"


def _worth(lpt: int, market: Market) -> int:
    return lpt * market.wei_per_lpt // UNITS_PER_TOKEN

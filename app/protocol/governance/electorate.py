"""Whose stake votes: the active set of the round in which a proposal was made, as that round began.

While the round runs its active set is there to be read. When the round ends the set is kept if a proposal of that round
is open, as many rows as there are active transcoders, and goes away with the last of these proposals. A delegator's
part of a transcoder's stake is its part of the shares at that time (`holdings`).

Whose pool a slash has left nothing of since then has no vote, and neither have those who were bonded to it
(livepeer.md, b11: on the real network the fully slashed could vote). Other slashes, like rewards, unbonds and moves,
change nobody's votes on what was proposed before them. A transcoder that has left the candidates since then keeps the
vote of its own stake, and loses the votes of those who have not voted themselves: they bonded to a transcoder.
"""

from dataclasses import replace

from app.messages.records import Elector, VotingRound
from app.primitives.address import Address
from app.primitives.amounts import Lpt, Round
from app.primitives.fractions import mul_floor
from app.protocol.stake import get_holding
from app.protocol.transcoders import get_registered
from app.state.tables import ACTIVE, ELECTORS, POOLS, ROUND, VOTING_ROUNDS, ReadState, State

# --- predicates and accessors


def get_elector(state: ReadState, voting_round: Round, transcoder: Address) -> Elector | None:
    """A transcoder of that round's active set with its stake of then; none where a slash has left nothing of it."""
    if voting_round == ROUND.read(state).number:
        active = ACTIVE.get(state, transcoder)
        elector = None if active is None else Elector(active.stake, active.shares, active.era)
    else:
        elector = ELECTORS.get(state, voting_round, transcoder)
    if elector is None or POOLS.read(state, transcoder).era != elector.era:
        return None
    return elector


def get_voting_stake(state: ReadState, voting_round: Round, voter: Address) -> tuple[Address, Lpt] | None:
    """To whom an account was bonded as that round began and its stake of then, rounded down; none without any."""
    holding = get_holding(state, voter, voting_round)
    elector = None if holding is None else get_elector(state, voting_round, holding.candidate)
    if holding is None or elector is None or holding.era != elector.era:
        return None
    stake = Lpt(mul_floor(holding.shares, elector.stake, elector.shares))
    return (holding.candidate, stake) if stake else None


def has_mandate(state: ReadState, transcoder: Address) -> bool:
    """Whether a transcoder still votes for those who are bonded to it and do not vote themselves."""
    return get_registered(state, transcoder) is not None


# --- mutators


def open_voting_round(state: State) -> Round:
    """Count one more proposal that is voted on with the stakes of the running round; returns that round."""
    number = ROUND.read(state).number
    open_proposals = VOTING_ROUNDS.read(state, number).open_proposals
    VOTING_ROUNDS.put(state, VotingRound(open_proposals + 1), number)
    return number


def close_voting_round(state: State, voting_round: Round) -> None:
    """Count one proposal less, and let a past round's stakes go with its last one."""
    entry = VOTING_ROUNDS.read(state, voting_round)
    if entry.open_proposals > 1:
        VOTING_ROUNDS.put(state, replace(entry, open_proposals=entry.open_proposals - 1), voting_round)
        return
    VOTING_ROUNDS.drop(state, voting_round)
    for key in list(ELECTORS.keys(state, voting_round)):
        ELECTORS.drop(state, *key)


def keep_electorate(state: State) -> None:
    """Keep the active set of the round that ends, where a proposal of it is open."""
    number = ROUND.read(state).number
    if not VOTING_ROUNDS.has(state, number):
        return
    for (address,), active in list(ACTIVE.items(state)):
        ELECTORS.put(state, Elector(active.stake, active.shares, active.era), number, address)

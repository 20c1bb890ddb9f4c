"""What each account held as a round began, so that votes are weighed by it however stakes have moved since.

Stake is voted with as it was when the voting's round began (governance). Nothing is copied at that moment: what an
account holds is written down when it first changes in a round, as it was before. What an account held as a round began
is then its oldest entry of that round or later, and where there is none, what it holds now. An entry costs one write
for the first change of an account in a round, whoever else there is; entries that no open voting can ask for go away
as newer ones come, two for each at most.
"""

from itertools import islice

from app.messages.records import Holding
from app.primitives.address import Address
from app.primitives.amounts import Round
from app.state.tables import HOLDINGS, VOTING_ROUNDS, ReadState, State, end_of_prefix

_FORGOTTEN_AT_ONCE = 2

# --- accessors


def find_saved_holding(state: ReadState, owner: Address, asked: Round) -> Holding | None:
    """What an account held as a round began, where that had to be written down; none where it has not changed since."""
    layout = HOLDINGS.layout
    for _, data in state.iterate(layout.key(owner, asked), end_of_prefix(layout.key(owner))):
        return HOLDINGS.parse(data)
    return None


# --- mutators


def save_holding(state: State, owner: Address, now: Round, holding: Holding) -> None:
    """Write down what an account held as the running round began, before it changes for the first time in it."""
    needed = next((oldest for (oldest,) in VOTING_ROUNDS.keys(state)), now)
    for _, saved in list(islice(HOLDINGS.keys(state, owner), _FORGOTTEN_AT_ONCE)):
        if saved < needed:
            HOLDINGS.drop(state, owner, saved)
    HOLDINGS.put(state, holding, owner, now)

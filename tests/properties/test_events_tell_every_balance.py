"""An indexer that has the genesis document and the events has every balance, to the unit, after every block."""

import dataclasses
import inspect
import json

from app.messages import events
from app.messages.events import event_attributes, event_name
from app.messages.record import from_json, to_json
from app.primitives.amounts import Amount, Lpt, Wei
from app.protocol.locks import get_lock_value
from app.protocol.stake import get_stake
from app.state.tables import LOCKS, SUPPLY, TOTALS
from chain.rpc.types import Event, EventAttribute
from chain.tx.events import decode_event
from tests.support.busy_history import BusyHistory
from tests.support.held_money import HELD, held_money, named_in_vain, unknown_fields
from tests.support.histories import PARTIES, History
from tests.support.indexer import ETH, LPT, MOVES, Indexer

BLOCKS = 100
FEW_UNITS = 10
"""Whoever leaves a pool leaves with whole units, here and on the chain; what is over may be another unit in each."""
SEEDS = range(5)
TOLD_WITHOUT_MOVING = {
    events.StakeUpdated: "what is told again of a record that was settled",
    events.TranscoderUpdated: "a price",
    events.RoundInitialized: "what may be minted, and a sum",
    events.RewardWithheld: "what was not minted",
    events.VoteCast: "a stake that votes",
    events.VotingEnded: "a tally",
}
"""Events that name an amount and move none, and what it is."""


def as_it_comes(event):
    """An event through the texts that a node gives out, so that nothing else than they are needed."""
    wire = Event(event_name(event), tuple(EventAttribute(k, v, True) for k, v in event_attributes(event)))
    return decode_event(wire)


def told_by(result):
    return [as_it_comes(e) for e in [*result.events, *(e for tx in result.tx_results for e in tx.events)]]


def check(indexer, state):
    assert indexer.balances() == held_money(state)
    supply, totals = SUPPLY.read(state), TOTALS.read(state)
    assert (indexer.total(LPT), indexer.total(ETH)) == (supply.lpt, supply.wei)
    assert (indexer.minted, indexer.burned) == (supply.minted, supply.burned)
    assert indexer.total(LPT, "pool") == totals.bonded
    assert indexer.total(LPT, "lock batch") == totals.unbonding
    assert indexer.total(LPT, "verifier") == totals.verifier_bonds
    assert indexer.total(LPT, "proposal") == totals.proposal_deposits
    assert indexer.total(LPT, "case") == totals.challenge_bonds
    assert set(indexer.locks) == set(LOCKS.keys(state))
    for (owner, lock_id), lock in LOCKS.items(state):
        assert indexer.lock_value(owner, lock_id) == get_lock_value(state, lock)
    for party in PARTIES:
        assert abs(indexer.stakes.of(party.address) - get_stake(state, party.address)) < FEW_UNITS


def play(history):
    """A history, compared after every block; the kinds of events that have moved money in it."""
    indexer = Indexer(from_json(type(history.genesis), json.loads(json.dumps(to_json(history.genesis)))))
    indexer.apply([as_it_comes(event) for event in history.chain.genesis_result.events])
    for _ in range(BLOCKS):
        txs, said = history.block()
        result = history.chain.finalize(*txs, **said)
        history.chain.engine.commit()
        told = told_by(result)
        indexer.apply(told)
        check(indexer, history.chain.state)
    return indexer.kinds


def test_the_events_of_random_histories_tell_every_balance_after_every_block():
    seen = set().union(*[play(kind(seed)) for seed in SEEDS for kind in (History, BusyHistory)])
    assert len(seen) > len(MOVES) * 4 // 5, set(MOVES) - seen


def record(history, blocks):
    """All that a history tells, block by block."""
    told = []
    for _ in range(blocks):
        txs, said = history.block()
        told.append(told_by(history.chain.finalize(*txs, **said)))
        history.chain.engine.commit()
    return told


def test_who_misses_events_of_one_kind_has_other_balances():
    history = BusyHistory(1)
    told = record(history, 60)
    whole, truth = Indexer(history.genesis), held_money(history.chain.state)
    for block in told:
        whole.apply(block)
    assert len(whole.kinds) > 15
    for kind in sorted(whole.kinds, key=lambda each: each.__name__):
        indexer = Indexer(history.genesis)
        try:
            for block in told:
                indexer.apply([event for event in block if type(event) is not kind])
        except (AssertionError, KeyError):
            continue  # money under way that never arrives, or a lock that nobody has heard of
        assert indexer.balances() != truth, kind


def test_every_amount_of_the_state_is_known_to_be_money_or_not():
    assert unknown_fields() == []
    assert named_in_vain() == []
    assert len(HELD) > 15


def test_every_event_with_an_amount_moves_it_or_is_known_not_to():
    classes = [cls for _, cls in inspect.getmembers(events, inspect.isclass) if dataclasses.is_dataclass(cls)]
    with_amounts = {cls for cls in classes if any(_is_amount(cls, f.name) for f in dataclasses.fields(cls))}
    assert with_amounts == set(MOVES) | set(TOLD_WITHOUT_MOVING)
    assert not set(MOVES) & set(TOLD_WITHOUT_MOVING)


def _is_amount(cls, name):
    return inspect.get_annotations(cls, eval_str=True)[name] in (Amount, Lpt, Wei)

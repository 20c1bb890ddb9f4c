"""Random histories in which most things succeed: what `tests.support.histories` tries at random seldom gets to its end.

Half of the transactions are those of such a history. The others take the next step of something that is under way:
locks are rebonded and withdrawn, fees taken, committees agree, proposals are voted on, validators sign twice.
"""

from typing import Any

from app.messages.bodies import Body, Bond, ProposalKind, Propose, Rebond, Unbond, Vote, VoteOption, Withdraw
from app.messages.records import ChallengeStatus, ProposalStatus
from app.primitives.amounts import Height
from app.protocol.environment import Evidence
from app.protocol.stake import get_candidate
from app.protocol.transcoders import consensus_address
from app.state.tables import CHALLENGES, CLAIMS, COMMON_POOL, LOCKS, PROPOSALS
from tests.support.chain_driver import LPT, Party
from tests.support.histories import ACCOUNTS, BY_ADDRESS, PARTIES, VALIDATORS, History


class BusyHistory(History):
    """A history that gets on."""

    def block(self) -> tuple[list[bytes], dict[str, Any]]:
        """As any history's, with what committees do and with more evidence."""
        txs, said = super().block()
        txs += [self.chain.sign(party, *messages) for party, messages in self._committees()]
        if self.chain.engine.height and self.dice.random() < 0.05:
            height = Height(max(1, self.chain.engine.height - self.dice.randrange(10)))
            said["evidence"] = [Evidence(consensus_address(self.dice.choice(VALIDATORS[1:]).consensus_key), height)]
        return txs, said

    def _tx(self) -> bytes:
        if self.dice.random() < 0.5:
            return super()._tx()
        party = self.dice.choice([*ACCOUNTS, *VALIDATORS])
        return self.chain.sign(party, self._step(party))

    def _step(self, party: Party) -> Body:
        dice, stake = self.dice, self.chain.stake(party)
        locks = [(lock_id, lock) for (_, lock_id), lock in LOCKS.items(self.chain.state, party.address)]
        released = tuple(i for i, lock in locks if lock.release_height <= self.chain.next_height)
        home = get_candidate(self.chain.state, party.address) or dice.choice(VALIDATORS).address
        steps: list[Body] = [Bond(dice.randrange(1, 50 * LPT), home), Bond(0, dice.choice(VALIDATORS).address)]
        steps += [Unbond(max(1, stake // dice.randrange(3, 9)))] * 2
        steps += [Rebond(i, home) for i, _ in locks[:1]]
        steps += [Withdraw(0, self.chain.fees(party), released)] * 2
        return dice.choice([*steps, *self._governance()])

    def _governance(self) -> list[Body]:
        pool = COMMON_POOL.read(self.chain.state).lpt
        asked = [
            Propose(ProposalKind.TEXT, "t", ""),
            Propose(ProposalKind.BURN, "t", "", lpt=pool // 7 + 1),
            Propose(ProposalKind.SPEND, "t", "", recipient=PARTIES[-1].address, lpt=pool // 5 + 1, wei=1),
        ]
        votes = [Vote(i, VoteOption.YES) for (i,), p in PROPOSALS.items(self.chain.state) if _is_open(p.status)]
        return [self.dice.choice(asked), *votes[:3]]

    def _committees(self) -> list[tuple[Party, list[Body]]]:
        """Everybody who is asked for a verdict gives it, mostly."""
        found = []
        for place, challenge in CHALLENGES.items(self.chain.state):
            seats = challenge.committee if challenge.status is not ChallengeStatus.DISPUTED else ()
            if challenge.status in (ChallengeStatus.COMMITTING, ChallengeStatus.REVEALING) and self.dice.random() < 0.9:
                verifiers = [BY_ADDRESS[seat.verifier] for seat in seats]
                found += [(each, [self._verdict(each, place, challenge.status)]) for each in verifiers]
            work = self.works.get(place[:2])
            if challenge.status is ChallengeStatus.AWAITING_RECEIPT and work is not None:
                transcoder = BY_ADDRESS[CLAIMS.read(self.chain.state, *place[:2]).transcoder]
                found.append((transcoder, [work.verify(place[1], place[2])]))
        return found


def _is_open(status: ProposalStatus) -> bool:
    return status is ProposalStatus.VOTING

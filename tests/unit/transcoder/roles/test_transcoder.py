"""What a transcoder decides: from views alone, without a chain and without a clock."""

from dataclasses import replace

import pytest

from app.messages import bodies
from app.messages.records import ActiveTranscoder, ChallengeStatus, ClaimStatus, JobStatus, Rates, Transcoder
from app.primitives.amounts import Height, Lpt, Round, Wei
from app.primitives.fractions import Fraction
from tests.support import off_chain_views as given
from transcoder.journal.records import ClaimState
from transcoder.roles import transcoder as role

POLICY = role.ClaimPolicy(claim_every=5, idle_seconds=6.0)
WANTED = bodies.Transcoder(Wei(50), Fraction(0), Fraction(0), "http://127.0.0.1:8935", b"")


def record(uri: str = WANTED.service_uri, price: int = 50) -> Transcoder:
    rates = Rates(Wei(price), Fraction(0), Fraction(0))
    return Transcoder(rates, rates, Round(0), uri, b"", 1, Height(0), False, 0)


def registration(**changes) -> role.Registration:
    known = {
        "wanted": WANTED,
        "slots": 1,
        "registered": record(),
        "own_stake": 500 * 10**18,
        "has_offered": True,
    }
    return role.Registration(**(known | changes))


def view(work=(), claims=(), challenges=(), active=None, moment=None, **changes) -> role.TranscoderView:
    return role.TranscoderView(
        moment=moment or given.moment(),
        active=active,
        work=work,
        claims=claims,
        challenges=challenges,
        calls_reward=changes.pop("calls_reward", True),
        registration=registration(**changes),
    )


def work(unclaimed=(), claims=(), last=100.0, status=JobStatus.ASSIGNED, affordable=10**6) -> role.JobWork:
    return role.JobWork(given.job(status), tuple(unclaimed), tuple(claims), last, affordable)


def kept(state: ClaimState, claim_id=None, problem=None) -> role.KeptClaim:
    return role.KeptClaim(1, 0, claim_id, given.ROOT, state, problem)


def decide(seen: role.TranscoderView, now: float = 101.0) -> list[role.Action]:
    return role.decide(seen, POLICY, now)


def test_too_few_segments_wait_for_more() -> None:
    assert decide(view([work(range(4))])) == []


def test_enough_segments_are_claimed() -> None:
    assert decide(view([work(range(5))])) == [role.MakeClaim(1, (0, 1, 2, 3, 4))]


def test_few_segments_are_claimed_when_no_more_come() -> None:
    assert decide(view([work([7])]), now=106.1) == [role.MakeClaim(1, (7,))]


def test_few_segments_are_claimed_when_the_job_has_ended() -> None:
    assert decide(view([work([7], status=JobStatus.ENDED)])) == [role.MakeClaim(1, (7,))]


def test_a_closed_job_is_not_claimed_any_more() -> None:
    assert decide(view([work(range(9), status=JobStatus.CLOSED)]), now=1e6) == []


def test_only_one_claim_of_a_job_is_on_its_way() -> None:
    assert decide(view([work(range(9), [kept(ClaimState.PREPARED)])])) == []


def test_gaps_cost_ranges_and_never_more_than_one_claim_may_have() -> None:
    gaps = range(0, 4000, 2)
    (action,) = decide(view([work(gaps)]))
    ranges = role.ranges_of(action.segments)
    assert len(ranges) == given.moment().params.max_ranges_per_claim
    assert all(each.first == each.last for each in ranges)


def test_a_claim_that_the_chain_has_is_found_by_its_root() -> None:
    seen = view([work([], [kept(ClaimState.PREPARED)])], [given.claim(ClaimStatus.PENDING, claim_id=4)])
    assert decide(seen) == [role.NoteIncluded(1, 0, 4)]


@pytest.mark.parametrize(
    ("problem", "is_final"),
    [
        ("INSUFFICIENT_DEPOSIT: 5 wei are missing", False),
        ("LIMIT_EXCEEDED: 20 ranges; at most 8", False),
        ("CLAIM_PERIOD_OVER: job 1 ended", True),
        ("SEGMENTS_ALREADY_CLAIMED: 0 to 9", True),
        ("NOT_A_PARTY: the transcoder of job 1 is another", True),
    ],
)
def test_a_refused_claim_frees_its_receipts_where_another_claim_may_do_better(problem, is_final) -> None:
    seen = view([work([], [kept(ClaimState.PREPARED, problem=problem)])])
    assert decide(seen) == [role.NoteRefused(1, 0, is_final)]


def test_no_more_is_claimed_than_escrow_and_deposit_pay_for() -> None:
    assert decide(view([work(range(9), affordable=6)])) == [role.MakeClaim(1, (0, 1, 2, 3, 4, 5))]
    assert decide(view([work(range(9), affordable=0)])) == []


def test_what_becomes_of_a_claim_is_noted_once() -> None:
    paid = [given.claim(ClaimStatus.PAID)]
    seen = view([work([], [kept(ClaimState.INCLUDED, 0)])], paid)
    assert decide(seen) == [role.NoteState(1, 0, ClaimState.PAID)]
    assert decide(view([work([], [kept(ClaimState.PAID, 0)])], paid)) == []


def test_a_challenge_is_answered_before_its_deadline_and_not_after() -> None:
    asked = given.challenge(ChallengeStatus.AWAITING_RECEIPT, deadline=120)
    assert decide(view(challenges=[asked])) == [role.ShowReceipt(1, 0, 3)]
    assert decide(view(challenges=[asked], moment=given.moment(120))) == []


def test_fees_are_asked_for_when_the_slashing_period_is_over() -> None:
    verified = given.claim(ClaimStatus.VERIFIED, slashing_end=100)
    assert decide(view(claims=[verified], moment=given.moment(100))) == []
    (action,) = decide(view(claims=[verified], moment=given.moment(101)))
    assert action == role.Send("distribute/1/0", bodies.DistributeFees(1, 0))


def test_fees_of_an_unchallenged_claim_are_asked_for_at_once() -> None:
    (action,) = decide(view(claims=[given.claim(ClaimStatus.VERIFIED, slashing_end=999, challenged=())]))
    assert action == role.Send("distribute/1/0", bodies.DistributeFees(1, 0))


def test_a_disputed_claim_is_not_distributed() -> None:
    assert decide(view(claims=[given.claim(ClaimStatus.DISPUTED)])) == []


def test_reward_is_called_once_per_round_by_name() -> None:
    active = ActiveTranscoder(Lpt(1), given.RATES, False, False, 0, Lpt(0), 0)
    assert decide(view(active=active)) == [role.Send("reward/1", bodies.Reward())]
    assert decide(view(active=active, calls_reward=False)) == []
    rewarded = ActiveTranscoder(Lpt(1), given.RATES, False, True, 0, Lpt(0), 0)
    assert decide(view(active=rewarded)) == []
    gone = ActiveTranscoder(Lpt(1), given.RATES, False, False, 0, Lpt(0), 0, left=True)
    assert decide(view(active=gone)) == []


def test_a_bonded_key_registers_and_then_offers_its_slots() -> None:
    (action,) = decide(view(registered=None))
    assert action.message == WANTED
    assert action.key.startswith("register/1/")
    (action,) = decide(view(has_offered=False))
    assert action == role.Send("offer/1", bodies.TranscodeAvailability(1))


def test_a_new_address_or_another_price_is_published() -> None:
    for known in (record("http://127.0.0.1:1"), record(price=49)):
        (action,) = decide(view(registered=known))
        assert action.message == WANTED


def test_two_wishes_in_one_round_have_two_names() -> None:
    """A transcoder that is started again may listen elsewhere."""
    elsewhere = replace(WANTED, service_uri="http://127.0.0.1:1")
    keys = {decide(view(registered=None, wanted=wanted))[0].key for wanted in (WANTED, elsewhere)}
    assert len(keys) == 2


def test_nobody_registers_without_a_bond_or_in_a_round_that_waits() -> None:
    assert decide(view(registered=None, own_stake=1)) == []
    assert decide(view(registered=None, moment=given.moment(initialized=False))) == []

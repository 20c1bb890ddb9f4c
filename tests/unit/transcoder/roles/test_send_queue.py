import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.primitives.address import Address
from transcoder.net.backoff import Backoff
from transcoder.roles.send_queue import (
    Abandon,
    AnswerAccepted,
    AttemptFailed,
    Destination,
    Drop,
    Publish,
    SegmentSigned,
    SendPolicy,
    SendQueue,
    SendSegment,
    Stored,
    StoredBefore,
    TimePassed,
    TranscoderKnown,
)

FIRST = Destination(Address(b"\1" * 20), "http://first")
SECOND = Destination(Address(b"\2" * 20), "http://second")
POLICY = SendPolicy(in_flight=2, waiting=3, deadline_seconds=10, backoff=Backoff(1, 4))


def make_queue(destination=FIRST, policy=POLICY):
    queue = SendQueue(policy, jitter=lambda: 1.0)
    queue.handle(TranscoderKnown(destination), 0.0)
    return queue


def sign(queue, *numbers, now=0.0):
    return [action for number in numbers for action in queue.handle(SegmentSigned(number, now), now)]


def receive(queue, number, now=0.0):
    return queue.handle(AnswerAccepted(number), now) + queue.handle(Stored(number), now)


def sent(actions):
    return [action.number for action in actions if isinstance(action, SendSegment)]


def dropped(actions):
    return [action.number for action in actions if isinstance(action, Drop)]


def test_segments_are_sent_in_order_and_no_more_than_allowed_at_once():
    queue = make_queue()
    assert sent(sign(queue, 0, 1, 2)) == [0, 1]
    assert sent(receive(queue, 1)) == [2]


def test_nothing_is_sent_before_somebody_is_drawn():
    queue = make_queue(destination=None)
    assert sign(queue, 0, 1) == []
    assert queue.handle(TranscoderKnown(FIRST), 1.0) == [SendSegment(0, FIRST), SendSegment(1, FIRST)]


def test_segments_are_published_in_the_order_of_their_numbers():
    queue = make_queue()
    sign(queue, 0, 1)
    assert Publish(1) not in receive(queue, 1)
    assert receive(queue, 0) == [Publish(0), Publish(1)]
    assert queue.is_empty


def test_a_failed_attempt_is_repeated_after_a_pause_that_grows():
    queue = make_queue()
    sign(queue, 0)
    assert queue.handle(AttemptFailed(0, "no answer"), 1.0) == []
    assert queue.next_seconds(1.0) == 2.0
    assert queue.handle(TimePassed(), 1.9) == []
    assert sent(queue.handle(TimePassed(), 2.0)) == [0]
    queue.handle(AttemptFailed(0, "no answer"), 3.0)
    assert queue.next_seconds(3.0) == 5.0


def test_a_transcoder_that_asks_for_time_gets_it():
    queue = make_queue()
    sign(queue, 0)
    queue.handle(AttemptFailed(0, "busy", pause_seconds=3.0), 1.0)
    assert queue.next_seconds(1.0) == 4.0


def test_others_go_on_while_one_waits_for_its_next_attempt():
    queue = make_queue()
    sign(queue, 0, 1, 2)
    assert sent(queue.handle(AttemptFailed(0, "no answer"), 0.5)) == [2]


def test_what_would_fail_alike_is_dropped_at_once():
    queue = make_queue()
    sign(queue, 0)
    assert queue.handle(AttemptFailed(0, "no video in it", is_final=True), 1.0) == [Drop(0, "no video in it")]
    assert queue.is_empty


def test_a_segment_without_a_receipt_by_its_deadline_is_dropped_and_its_attempt_ended():
    queue = make_queue()
    sign(queue, 0)
    assert queue.next_seconds(0.0) == 10.0
    actions = queue.handle(TimePassed(), 10.0)
    assert actions[0] == Abandon(0)
    assert dropped(actions) == [0]
    assert "within 10 s, 1 attempt" in actions[1].problem
    assert queue.is_empty


def test_the_reason_of_the_last_failure_is_in_the_drop():
    queue = make_queue()
    sign(queue, 0)
    queue.handle(AttemptFailed(0, "connection refused"), 9.5)
    (drop,) = queue.handle(TimePassed(), 10.0)
    assert "connection refused" in drop.problem


def test_a_drop_lets_later_segments_be_published():
    queue = make_queue()
    sign(queue, 0, 1)
    receive(queue, 1)
    assert queue.handle(AttemptFailed(0, "bad", is_final=True), 1.0)[-1] == Publish(1)


def test_when_too_many_wait_the_oldest_waiting_one_is_dropped():
    queue = make_queue()
    assert dropped(sign(queue, *range(5))) == []
    (drop,) = [action for action in sign(queue, 5) if isinstance(action, Drop)]
    assert drop.number == 2
    assert "too slow" in drop.problem
    assert (queue.waiting, queue.sending) == (3, 2)


def test_while_nobody_is_drawn_the_queue_stays_bounded():
    queue = make_queue(destination=None)
    assert dropped(sign(queue, *range(100))) == list(range(95))


def test_what_is_being_stored_is_neither_dropped_nor_abandoned():
    queue = make_queue()
    sign(queue, 0)
    queue.handle(AnswerAccepted(0), 9.0)
    assert queue.handle(TimePassed(), 11.0) == []
    assert queue.handle(TranscoderKnown(SECOND), 11.0) == []
    assert queue.handle(Stored(0), 12.0) == [Publish(0)]


def test_when_the_transcoder_changes_all_that_is_under_way_goes_to_the_new_one_in_order():
    queue = make_queue()
    sign(queue, 0, 1, 2)
    actions = queue.handle(TranscoderKnown(SECOND), 1.0)
    assert actions == [Abandon(0), Abandon(1), SendSegment(0, SECOND), SendSegment(1, SECOND)]


def test_a_pause_asked_for_by_the_old_transcoder_does_not_hold_up_the_new_one():
    queue = make_queue()
    sign(queue, 0)
    queue.handle(AttemptFailed(0, "busy", pause_seconds=9.0), 0.0)
    assert sent(queue.handle(TranscoderKnown(SECOND), 1.0)) == [0]


def test_hearing_the_same_transcoder_again_changes_nothing():
    queue = make_queue()
    sign(queue, 0)
    assert queue.handle(TranscoderKnown(FIRST), 1.0) == []


def test_what_an_earlier_run_has_stored_waits_for_its_turn_and_is_not_sent():
    queue = make_queue()
    sign(queue, 0)
    assert queue.handle(StoredBefore(1), 0.0) == []
    assert receive(queue, 0) == [Publish(0), Publish(1)]


def test_an_empty_queue_waits_for_no_time():
    assert make_queue().next_seconds(0.0) is None


def test_a_number_that_goes_back_is_our_own_mistake():
    queue = make_queue()
    sign(queue, 5)
    with pytest.raises(AssertionError, match="order"):
        sign(queue, 4)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["sign", "fail", "final", "receive", "move", "wait"]), st.integers(0, 9))))
def test_every_segment_is_published_or_dropped_once_and_bounds_hold(steps):
    """Whatever happens in whatever order: bounds hold, publication is in order, and everything comes to its end."""
    queue, now, number = make_queue(), 0.0, 0
    under_way, published, gone = set(), [], []

    def follow(actions):
        for action in actions:
            match action:
                case SendSegment(n):
                    assert n not in under_way
                    under_way.add(n)
                case Abandon(n):
                    under_way.remove(n)
                case Drop(n):
                    under_way.discard(n)
                    gone.append(n)
                case Publish(n):
                    published.append(n)
        assert len(under_way) == queue.sending <= POLICY.in_flight
        assert queue.waiting <= POLICY.waiting + POLICY.in_flight

    for what, choice in steps:
        now += 0.5
        target = sorted(under_way)[choice % len(under_way)] if under_way else None
        if what == "sign":
            follow(queue.handle(SegmentSigned(number, now), now))
            number += 1
        elif what == "move":
            follow(queue.handle(TranscoderKnown([FIRST, SECOND, None][choice % 3]), now))
        elif what == "wait" or target is None:
            follow(queue.handle(TimePassed(), now))
        else:
            under_way.discard(target)
            if what == "receive":
                follow(queue.handle(AnswerAccepted(target), now))
                follow(queue.handle(Stored(target), now))
            else:
                follow(queue.handle(AttemptFailed(target, "why", is_final=what == "final"), now))
    follow(queue.handle(TimePassed(), now + POLICY.deadline_seconds))
    assert queue.is_empty
    assert published == sorted(published)
    assert sorted(published + gone) == list(range(number))

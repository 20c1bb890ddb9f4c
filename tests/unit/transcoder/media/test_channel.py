"""The bounded queue between threads: order, bound, end, and breaking off."""

import threading

import pytest

from transcoder.media.channel import Channel, ChannelClosed


def test_items_arrive_in_order_and_then_it_ends() -> None:
    channel: Channel[int] = Channel(2)
    seen: list[int] = []
    consumer = threading.Thread(target=lambda: seen.extend(channel))
    consumer.start()
    for number in range(100):
        channel.put(number)
    channel.finish()
    consumer.join()
    assert seen == list(range(100))


def test_a_full_channel_makes_the_producer_wait() -> None:
    channel: Channel[int] = Channel(3)
    produced: list[int] = []
    is_full = threading.Event()

    def produce() -> None:
        for number in range(10):
            channel.put(number)
            produced.append(number)
            if number == 2:
                is_full.set()
        channel.finish()

    producer = threading.Thread(target=produce)
    producer.start()
    assert is_full.wait(10)
    items = iter(channel)
    for number in range(10):
        assert next(items) == number
        assert len(produced) <= number + 1 + 3 + 1
    producer.join()


@pytest.mark.parametrize("is_producer", [True, False])
def test_breaking_off_wakes_whoever_waits(is_producer: bool) -> None:
    channel: Channel[int] = Channel(1)
    outcome: list[str] = []

    def wait() -> None:
        try:
            if is_producer:
                channel.put(1)
                channel.put(2)
            else:
                next(iter(channel))
        except ChannelClosed:
            outcome.append("closed")

    waiting = threading.Thread(target=wait)
    waiting.start()
    channel.abort()
    waiting.join(10)
    assert outcome == ["closed"]


def test_what_is_queued_is_dropped_when_breaking_off() -> None:
    channel: Channel[int] = Channel(5)
    channel.put(1)
    channel.abort()
    with pytest.raises(ChannelClosed):
        next(iter(channel))
    with pytest.raises(ChannelClosed):
        channel.put(2)

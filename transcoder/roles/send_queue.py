"""What a broadcaster sends when, and to whom: signed segments on their way to a receipt (media.md, section 5).

Events and the time go in, actions come out; nothing here waits or sends. The queue is bounded in number and in time: a
segment that takes too long is dropped whole, so that a stream that falls behind loses pictures and not its liveness.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from app.primitives.address import Address
from transcoder.net.backoff import Backoff


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """The bounds of the queue.

    Attributes:
        in_flight: how many segments are with the transcoder at once.
        waiting: how many more may wait; then the oldest of them is dropped.
        deadline_seconds: after its due time, when a segment without a receipt is dropped.
        backoff: the pauses between attempts for one segment.
    """

    in_flight: int = 3
    waiting: int = 32
    deadline_seconds: float = 60.0
    backoff: Backoff = field(default_factory=lambda: Backoff(first_seconds=0.25, limit_seconds=5.0))


@dataclass(frozen=True, slots=True)
class Destination:
    """Who gets the segments, and where."""

    transcoder: Address
    service_uri: str


@dataclass(frozen=True, slots=True)
class SegmentSigned:
    """A segment is in the journal; a live source had it complete at `due_seconds` on the clock of `now`."""

    number: int
    due_seconds: float


@dataclass(frozen=True, slots=True)
class StoredBefore:
    """An earlier run has stored it, and one of a lower number is still on its way."""

    number: int


@dataclass(frozen=True, slots=True)
class TranscoderKnown:
    """Segments go there from now on; None while nobody is drawn."""

    destination: Destination | None


@dataclass(frozen=True, slots=True)
class AnswerAccepted:
    """The receipt and all renditions are right; they are being stored, and nothing may drop the segment now."""

    number: int


@dataclass(frozen=True, slots=True)
class Stored:
    """Receipt and renditions are on disk."""

    number: int


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """An attempt failed; `is_final` where another one would fail alike; `pause_seconds` where the other side asked."""

    number: int
    problem: str
    is_final: bool = False
    pause_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing happened but time."""


Event = SegmentSigned | StoredBefore | TranscoderKnown | AnswerAccepted | Stored | AttemptFailed | TimePassed


@dataclass(frozen=True, slots=True)
class SendSegment:
    """Send it, and tell what comes of it."""

    number: int
    destination: Destination


@dataclass(frozen=True, slots=True)
class Abandon:
    """Stop the attempt that is under way; nothing it brings counts."""

    number: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Give the segment up, for good."""

    number: int
    problem: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Its turn in the playlists has come."""

    number: int


SendAction = SendSegment | Abandon | Drop | Publish


class _Stage(Enum):
    WAITING = auto()
    SENDING = auto()
    STORING = auto()
    STORED = auto()
    DROPPED = auto()


@dataclass(slots=True)
class _Entry:
    number: int
    due_seconds: float
    stage: _Stage = _Stage.WAITING
    attempts: int = 0
    not_before_seconds: float = 0.0
    problem: str = "nobody to send it to"


_DECIDED = (_Stage.STORED, _Stage.DROPPED)


class SendQueue:
    """The segments between signature and playlist, in the order of their numbers.

    Args:
        policy: the bounds.
        jitter: a number in 0..1 for each pause.
    """

    def __init__(self, policy: SendPolicy, jitter: Callable[[], float]) -> None:
        self._policy = policy
        self._jitter = jitter
        self._entries: dict[int, _Entry] = {}
        self._destination: Destination | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every segment has been published or dropped."""
        return not self._entries

    @property
    def waiting(self) -> int:
        """Segments that wait to be sent, or sent again."""
        return len(self._in_stage(_Stage.WAITING))

    @property
    def sending(self) -> int:
        """Segments that are with the transcoder."""
        return len(self._in_stage(_Stage.SENDING))

    def handle(self, event: Event, now_seconds: float) -> list[SendAction]:
        """What an event asks for, in the order in which it should be done."""
        actions = self._apply(event, now_seconds)
        actions += self._drop_late(now_seconds)
        actions += self._drop_overflow()
        actions += self._send(now_seconds)
        return actions + self._publish()

    def next_seconds(self, now_seconds: float) -> float | None:
        """When `TimePassed` should be told at the latest; None where no time is waited for."""
        moments = []
        for entry in self._entries.values():
            if entry.stage in (_Stage.WAITING, _Stage.SENDING):
                moments.append(self._deadline(entry))
            if entry.stage is _Stage.WAITING and entry.not_before_seconds > now_seconds:
                moments.append(entry.not_before_seconds)
        return min(moments, default=None)

    def _in_stage(self, stage: _Stage) -> list[_Entry]:
        return [entry for entry in self._entries.values() if entry.stage is stage]

    def _deadline(self, entry: _Entry) -> float:
        return entry.due_seconds + self._policy.deadline_seconds

    def _apply(self, event: Event, now_seconds: float) -> list[SendAction]:
        match event:
            case SegmentSigned(number, due_seconds):
                self._add(_Entry(number, due_seconds))
            case StoredBefore(number):
                self._add(_Entry(number, now_seconds, _Stage.STORED))
            case TranscoderKnown(destination):
                return self._change(destination)
            case AnswerAccepted(number):
                self._entries[number].stage = _Stage.STORING
            case Stored(number):
                self._entries[number].stage = _Stage.STORED
            case AttemptFailed():
                return self._fail(event, now_seconds)
        return []

    def _add(self, entry: _Entry) -> None:
        assert all(entry.number > known for known in self._entries), "segments come in the order of their numbers"
        self._entries[entry.number] = entry

    def _change(self, destination: Destination | None) -> list[SendAction]:
        if destination == self._destination:
            return []
        self._destination = destination
        actions: list[SendAction] = []
        for entry in self._in_stage(_Stage.SENDING):
            actions.append(Abandon(entry.number))
            entry.stage = _Stage.WAITING
        for entry in self._in_stage(_Stage.WAITING):
            entry.attempts, entry.not_before_seconds = 0, 0.0
        return actions

    def _fail(self, event: AttemptFailed, now_seconds: float) -> list[SendAction]:
        entry = self._entries[event.number]
        entry.problem = event.problem
        if event.is_final:
            return [self._drop(entry, event.problem)]
        pause = self._policy.backoff.delay_seconds(entry.attempts - 1, self._jitter())
        entry.stage = _Stage.WAITING
        entry.not_before_seconds = now_seconds + max(pause, event.pause_seconds)
        return []

    def _drop_late(self, now_seconds: float) -> list[SendAction]:
        actions: list[SendAction] = []
        for entry in self._in_stage(_Stage.WAITING) + self._in_stage(_Stage.SENDING):
            if now_seconds < self._deadline(entry):
                continue
            if entry.stage is _Stage.SENDING:
                actions.append(Abandon(entry.number))
            tries = f"{entry.attempts} attempt{'' if entry.attempts == 1 else 's'}"
            late = f"no receipt within {self._policy.deadline_seconds:g} s, {tries}; last: {entry.problem}"
            actions.append(self._drop(entry, late))
        return actions

    def _drop_overflow(self) -> list[SendAction]:
        room = self._policy.waiting + max(0, self._policy.in_flight - self.sending)
        waiting = self._in_stage(_Stage.WAITING)
        text = f"the transcoder is too slow: {len(waiting)} segments wait"
        return [self._drop(entry, text) for entry in waiting[: max(0, len(waiting) - room)]]

    def _drop(self, entry: _Entry, problem: str) -> Drop:
        entry.stage = _Stage.DROPPED
        return Drop(entry.number, problem)

    def _send(self, now_seconds: float) -> list[SendAction]:
        if self._destination is None:
            return []
        ready = [e for e in self._in_stage(_Stage.WAITING) if e.not_before_seconds <= now_seconds]
        actions: list[SendAction] = []
        for entry in ready[: max(0, self._policy.in_flight - self.sending)]:
            entry.stage = _Stage.SENDING
            entry.attempts += 1
            entry.problem = "no answer yet"
            actions.append(SendSegment(entry.number, self._destination))
        return actions

    def _publish(self) -> list[SendAction]:
        actions: list[SendAction] = []
        for number, entry in list(self._entries.items()):
            if entry.stage not in _DECIDED:
                break
            del self._entries[number]
            if entry.stage is _Stage.STORED:
                actions.append(Publish(number))
        return actions

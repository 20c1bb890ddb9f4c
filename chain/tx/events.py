"""From the node's event texts back to the classes of `app.messages.events`."""

import dataclasses
import inspect
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any, get_type_hints

from app.messages import events
from app.messages.events import event_name
from app.messages.record import to_json
from app.primitives.address import Address, parse_address
from app.primitives.hashing import Hash32
from chain.rpc.types import Event


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """An event that this version does not know, or whose attributes it cannot read: as it came."""

    name: str
    attributes: tuple[tuple[str, str], ...]


def decode_event(event: Event) -> Any:
    """The event as an instance of its class in `app.messages.events`, or as UnknownEvent; never raises."""
    cls = _classes().get(event.type)
    texts = {item.key: item.value for item in event.attributes}
    if cls is None:
        return UnknownEvent(event.type, tuple(texts.items()))
    try:
        return cls(**{name: _parse(hint, texts[name]) for name, hint in get_type_hints(cls).items()})
    except (KeyError, ValueError):
        return UnknownEvent(event.type, tuple(texts.items()))


def decode_events(found: tuple[Event, ...]) -> tuple[Any, ...]:
    """All events in their order; CometBFT adds an index of the message to none of ours."""
    return tuple(decode_event(event) for event in found)


def event_json(event: Any) -> dict[str, Any]:
    """An event for `-o json`: its name under `event`, then its attributes (amounts as decimal strings)."""
    if isinstance(event, UnknownEvent):
        return {"event": event.name, **dict(event.attributes)}
    return {"event": event_name(event), **to_json(event)}


@cache
def _classes() -> dict[str, Any]:
    members = (cls for _, cls in inspect.getmembers(events, inspect.isclass))
    # A class's event name is the same for every instance of it, so an empty one is enough to ask for it.
    return {event_name(object.__new__(cls)): cls for cls in members if dataclasses.is_dataclass(cls)}


def _parse(hint: Any, text: str) -> Any:
    if hint is Address:
        return parse_address(text)
    if hint in (bytes, Hash32):
        return bytes.fromhex(text)
    if hint is bool:
        return {"true": True, "false": False}[text]
    if hint is str:
        return text
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return hint[text.upper()]
    return int(text)

"""Payloads to requests, answers to frames.

The envelope around an answer is one tag and one length, written by hand: building a `Response` message to hold it costs
more than the answer itself. Frequent answers (`FLUSH_FRAME`, `CHECK_TX_OK`) exist once, ready to send.
"""

from typing import Any, Final, NewType

from google.protobuf.message import DecodeError

from app.abci.errors import MalformedMessage, UnknownRequest
from app.abci.framing import encode_frame, encode_uvarint
from app.abci.proto import abci_pb2 as pb

Frame = NewType("Frame", bytes)
"""A whole answer as it goes over the socket: made by `encode_response` or `wrap_response`, sent as it is."""

METHODS: Final = tuple(field.name for field in pb.Request.DESCRIPTOR.oneofs_by_name["value"].fields)
"""Every ABCI method by its name in the `Request` envelope: "echo", "flush", "info", … "reap_txs"."""

_LENGTH_DELIMITED: Final = 2
_TAGS: Final[dict[str, bytes]] = {
    field.name: encode_uvarint(field.number << 3 | _LENGTH_DELIMITED)
    for field in pb.Response.DESCRIPTOR.oneofs_by_name["value"].fields
}
_TYPES: Final[dict[str, Any]] = {name: type(getattr(pb.Response(), name)) for name in _TAGS}


def decode_request(payload: bytes) -> tuple[str, Any]:
    """The method's name and its request message. Raises MalformedMessage, UnknownRequest."""
    try:
        request = pb.Request.FromString(payload)
    except DecodeError as error:
        raise MalformedMessage(f"a frame of {len(payload)} bytes is not a protobuf Request: {error}") from error
    method = request.WhichOneof("value")
    if method is None:
        raise UnknownRequest(
            f"a Request of {len(payload)} bytes names no method of ABCI 2.0 (begins {payload[:8].hex() or 'empty'}): "
            "use CometBFT v0.38 to v0.40"
        )
    return method, getattr(request, method)


def wrap_response(method: str, body: bytes) -> Frame:
    """The frame of an answer to `method` whose message is already serialized (a block's results, written by hand)."""
    return Frame(encode_frame(_TAGS[method] + encode_uvarint(len(body)) + body))


def encode_response(method: str, answer: Any) -> Frame:
    """The frame of `answer`, which is the response message of `method`, or a Frame already.

    Raises TypeError for another method's message: sent, it would make the node end itself.
    """
    if isinstance(answer, bytes):
        return Frame(answer)
    if not isinstance(answer, _TYPES[method]):
        raise TypeError(f"{method} returned {type(answer).__name__}, not {_TYPES[method].__name__}")
    return wrap_response(method, answer.SerializeToString())


FLUSH_PAYLOAD: Final = pb.Request(flush=pb.RequestFlush()).SerializeToString()
FLUSH_FRAME: Final = encode_response("flush", pb.ResponseFlush())
CHECK_TX_OK: Final = encode_response("check_tx", pb.ResponseCheckTx())
"""CheckTx accepted, with nothing else to say."""

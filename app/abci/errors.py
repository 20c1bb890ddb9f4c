"""Everything that ends an ABCI server, as one tree of exceptions.

    AbciError
    ├── ProtocolError            the other side broke the wire's rules: the server process ends, non-zero
    │   ├── BadLength            a length prefix that is no unsigned 64-bit varint
    │   ├── FrameTooLarge        a length above the limit
    │   ├── TruncatedFrame       the stream ended inside a frame
    │   ├── MalformedMessage     a frame that is no protobuf Request
    │   └── UnknownRequest       a Request without any method that ABCI 2.0 knows
    ├── ApplicationFailure       a method whose failure would let state diverge has failed: the process ends, non-zero
    ├── UpgradeRequired          a block needs a later version of the application: the process ends, nothing has failed
    ├── NodeLost                 some of the node's connections closed and the others did not
    └── ListenError              the address to listen on is unusable

An exception in CheckTx, InsertTx or Query is none of these: it is answered with a code.
"""


class AbciError(Exception):
    """The root: the text says what happened and, where somebody can do something, what to do."""


class ProtocolError(AbciError):
    """The bytes on a connection are not ABCI 2.0 as CometBFT v0.37 and later speak it."""


class BadLength(ProtocolError):
    """A length prefix does not end within 10 bytes or does not fit 64 bits."""


class FrameTooLarge(ProtocolError):
    """A frame announces more bytes than the server accepts."""


class TruncatedFrame(ProtocolError):
    """The stream ended before the announced length was there."""


class MalformedMessage(ProtocolError):
    """The payload of a frame is not a protobuf `Request`."""


class UnknownRequest(ProtocolError):
    """A `Request` that carries no method, or one of an ABCI version that we do not speak."""


class ApplicationFailure(AbciError):
    """The application raised where no code can tell so; `__cause__` is what it raised."""


class UpgradeRequired(AbciError):
    """A planned upgrade's height has come, and this build does not have its version; the block was not begun."""


class NodeLost(AbciError):
    """A node is half gone: some of its connections have closed, others stayed open for too long."""


class ListenError(AbciError):
    """The server cannot listen where it was told to."""

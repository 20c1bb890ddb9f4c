"""What a transaction is checked against before it may wait."""

from dataclasses import dataclass

from app.execution.process_transaction import check_envelope
from app.messages.transaction import Tx
from app.params import Params
from app.state.tables import ReadState


@dataclass(frozen=True, slots=True)
class Door:
    """The last committed state; `height` is the first that could hold a transaction."""

    state: ReadState
    chain_id: str
    height: int
    params: Params

    def check(self, tx: Tx) -> None:
        """Check what does not depend on the sender.

        Raises:
            Rejection: WRONG_CHAIN, EXPIRED or FEE_TOO_LOW.
        """
        check_envelope(tx, self.chain_id, self.height, self.params)

"""What a transaction must pay at least (protocol.md, section 2, *Fee*)."""

from app.messages.transaction import Tx
from app.params import Params
from app.primitives.amounts import Wei


def compute_min_fee(tx: Tx, params: Params) -> Wei:
    """`base_fee + fee_per_byte × size + Σ message weight × fee_per_weight`, in wei."""
    return min_fee(tx.size, tx.weight, params)


def min_fee(size: int, weight: int, params: Params) -> Wei:
    """The same of a transaction of so many bytes whose messages have this weight."""
    return Wei(params.base_fee_wei + params.fee_per_byte_wei * size + params.fee_per_weight_wei * weight)

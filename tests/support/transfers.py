"""Presigned transfers: senders with their own keys, funded at genesis, and their transactions made ahead of time."""

from app.messages.bodies import Denom, Transfer
from app.messages.transaction import TxBody, sign_body
from app.primitives.address import Address
from app.primitives.amounts import Amount, Lpt, Wei
from app.primitives.hashing import sha256
from app.primitives.secp256k1 import private_key_to_address
from chain.localnet.genesis import CHAIN_ID, Funded

SENDER_LPT = Lpt(10**24)
SENDER_WEI = Wei(10**24)
FEE_WEI = Wei(10**15)
RECIPIENTS = 100_000


class Sender:
    """An account of a localnet; the same number has the same key in every run."""

    def __init__(self, number: int, chain_id: str = CHAIN_ID) -> None:
        self.key = bytes(sha256(b"sender %d" % number))
        self.address = private_key_to_address(self.key)
        self.chain_id = chain_id
        self.next_nonce = 0

    @property
    def funded(self) -> Funded:
        """The account as a genesis has it."""
        return self.address, SENDER_LPT, SENDER_WEI

    def transfer(self, to: Address, amount: int = 1, nonce: int | None = None, fee: int = FEE_WEI) -> bytes:
        """A signed transfer of LPT with the next nonce, or with the one that is given."""
        if nonce is None:
            nonce, self.next_nonce = self.next_nonce, self.next_nonce + 1
        message = Transfer(to, Denom.LPT, Amount(amount))
        return sign_body(TxBody(self.chain_id, nonce, Wei(fee), 0, (message,)), self.key)

    def transfers(self, count: int) -> list[bytes]:
        """So many transfers of one base unit, each to another of many recipients."""
        return [self.transfer(recipient(self.next_nonce * 7919)) for _ in range(count)]


def recipient(number: int) -> Address:
    """An account that only ever receives."""
    return Address(sha256(b"recipient %d" % (number % RECIPIENTS))[:20])

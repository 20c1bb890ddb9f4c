"""Localnets with given stakes and parameters, and their accounts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.messages.bodies import Body
from app.messages.genesis_state import GenesisAccount, GenesisTranscoder
from app.messages.rejections import Reason
from app.params import Params
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import Lpt
from chain.cometbft.config import ConsensusTimeouts
from chain.keys.keyring import Keyring
from chain.localnet.create import create
from chain.localnet.genesis import CHAIN_ID, FAUCET, FAUCET_LPT, FAUCET_WEI, FUNDED_LPT, FUNDED_WEI
from chain.localnet.layout import Localnet, LocalnetSettings
from chain.tx.client import TxClient
from chain.tx.errors import TxRejected
from chain.tx.queries import Queries
from chain.tx.result import TxResult
from genesis.check import require_valid
from genesis.document import Document, build_document
from genesis.edit import add_account, add_transcoder, new_genesis
from genesis.localnet import NO_WORK_URI, VALIDATOR_BALANCE_LPT, VALIDATOR_BALANCE_WEI
from genesis.presets.units import GWEI, percent
from tests.support.nodes import FAST, ask
from tests.support.work_world import Party


def staked_localnet(
    root: Path,
    stakes: tuple[int, ...],
    params: Params,
    others: tuple[str, ...] = (),
    finish: Callable[[Document], Document] = lambda document: document,
    timeouts: ConsensusTimeouts = FAST,
) -> Localnet:
    """A localnet, not started: `validator0` … have these stakes in LPT, `faucet` and the others have money.

    All their keys, which follow from their names, are in ROOT. `finish` has the last word on the genesis document.
    """
    keyring = Keyring(root)

    def account(name: str) -> Address:
        keyring.add(name, Party(name).key, None)
        return keyring.show(name).address

    def write(_: Path, validators: Any) -> dict[str, Any]:
        genesis = new_genesis(CHAIN_ID, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), params)
        half = percent("50")
        for number, (stake, validator) in enumerate(zip(stakes, validators, strict=True)):
            address, bond, key = account(f"validator{number}"), Lpt(stake * 10**18), validator.public_key
            genesis = add_transcoder(
                genesis, GenesisTranscoder(address, bond, 100 * GWEI, half, half, NO_WORK_URI, key), validator.name
            )
            genesis = add_account(genesis, GenesisAccount(address, VALIDATOR_BALANCE_LPT, VALIDATOR_BALANCE_WEI))
        genesis = add_account(genesis, GenesisAccount(account(FAUCET), FAUCET_LPT, FAUCET_WEI))
        for name in others:
            genesis = add_account(genesis, GenesisAccount(account(name), FUNDED_LPT, FUNDED_WEI))
        document = dict(finish(build_document(genesis)))
        require_valid(document)
        return document

    return create(root, len(stakes), write, LocalnetSettings(timeouts=timeouts), usual_ports=False)


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of a localnet and one of its nodes, quick to ask and to act with."""

    localnet: Localnet
    url: str

    def address(self, name: str) -> Address:
        """The address of an account."""
        return Keyring(self.localnet.root).show(name).address

    def query(self, path: str) -> dict[str, Any]:
        """The application's answer; {NAME} in the path is the address of an account."""
        named = re.sub(r"{(\w+)}", lambda found: to_checksum(self.address(found[1])), path)
        return ask(self.url, lambda client: Queries(client).ask(named))

    def send(self, name: str, *messages: Body) -> TxResult:
        """One transaction of an account, which the chain accepts."""
        signer = Keyring(self.localnet.root).load(name, lambda _: "")
        return ask(self.url, lambda client: TxClient(client, signer, self.localnet.chain_id).send(messages))

    def refused(self, name: str, *messages: Body) -> tuple[Reason | None, str]:
        """Reason and text with which the chain refuses a transaction of an account in a block."""
        try:
            result = self.send(name, *messages)
        except TxRejected as rejected:
            assert rejected.height, "refused at the door, not by the protocol"
            return rejected.reason, rejected.text
        raise AssertionError(f"accepted: {result}")

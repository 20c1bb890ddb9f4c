"""`headwater tx`: sign and send transactions."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from app.messages.bodies import (
    Body,
    Bond,
    Denom,
    Deposit,
    InitializeRound,
    RegisterVerifier,
    Reward,
    TranscodeAvailability,
    Transcoder,
    Transfer,
    Withdraw,
)
from app.messages.limits import check_service_uri
from app.messages.rejections import Rejection
from app.messages.transaction import decode_tx, hash_tx, recover_sender
from app.primitives.address import to_checksum
from app.primitives.amounts import Amount, Lpt, Wei
from app.primitives.fractions import Fraction
from chain.cli.arguments import ID
from chain.cli.output import Output, node_option, output_option
from chain.cli.sending import INCLUSION_SECONDS, Sender, checked, result_text, sending
from chain.cli.tx_allocation import claim_allocation
from chain.cli.tx_governance import GOVERNANCE_COMMANDS
from chain.cli.tx_stake import STAKE_COMMANDS
from chain.cli.tx_submit import submit
from chain.cli.tx_work import WORK_COMMANDS
from chain.cometbft.home import NodeHome
from chain.failures import UsageFailure
from chain.keys.keyring import Signer
from chain.rpc.client import RpcClient
from chain.tx.client import TxClient, TxLimits
from chain.tx.message_json import messages_from_json, read_json_file
from chain.tx.signing import SignedTx
from genesis import arguments

LARGEST_HEX_BYTES = 2**20


@click.group()
def tx() -> None:
    """Sign and send transactions; each command is one message of the protocol, and every one has --help.

    \b
    A first hour:
      headwater tx transfer bob 5LPT --from alice          money, to an address or to a key's name
      headwater tx bond 100LPT --to 0x7a2f… --from alice   stake towards a transcoder, and earn with it
      headwater tx deposit 1ETH --from carol               pay for jobs to come
      headwater tx job --stream cam1 --ladder 720p --price 500gwei --from carol
    \b
    What would be sent, without sending it:     add --dry-run
    On a machine without network:               add --offline --nonce N --chain-id ID --fee FEE, then tx broadcast
    Several messages that take effect together: tx send FILE.json
    Many transactions that were signed before:  tx submit --file FILE

    Amounts have a unit: 12.5LPT, 0.1ETH, 3gwei, 5wei. The fee is estimated, paid in ETH, and kept when the chain
    refuses the messages.

    \b
    Exit codes: 0 accepted, 1 rejected by the chain (its reason and text are printed), 2 usage,
    3 no node answered, or no block came in time (the transaction may still be included).
    """


@tx.command()
@click.argument("to")
@click.argument("amounts", type=arguments.AMOUNT, nargs=-1, required=True)
@sending
def transfer(sender: Sender, to: str, amounts: tuple[tuple[str, int], ...]) -> Sequence[Body]:
    """Send AMOUNTS of LPT, ETH or both to TO, an address or the name of a key.

    \b
    Examples:  headwater tx transfer 0x52908400098527886E0F7030069857D2E4169EE7 5LPT
               headwater tx transfer bob 5LPT 0.1ETH --from alice --memo "for lunch"
    """
    recipient = sender.resolve(to)
    return [Transfer(recipient, Denom[denom], Amount(amount)) for denom, amount in amounts]


@tx.command()
@click.argument("amount", type=arguments.LPT)
@click.option("--to", metavar="TRANSCODER", help="Whom to bond to.  [default: yourself, to become a transcoder]")
@sending
def bond(sender: Sender, amount: Lpt, to: str | None) -> Sequence[Body]:
    """Bond AMOUNT of LPT to a transcoder; it earns from the next round on.

    Whoever is bonded already and names another transcoder moves the whole bond there; AMOUNT may then be 0LPT.

    \b
    Examples:  headwater tx bond 100LPT --to 0x52908400098527886E0F7030069857D2E4169EE7
               headwater tx bond 100LPT --from t1          first step of becoming a transcoder
    """
    return [Bond(amount, sender.resolve(to) if to else sender.address)]


@tx.command()
@click.option("--price", type=arguments.WEI, required=True, help="Per unit of work, as 5gwei.")
@click.option("--cut", type=arguments.FRACTION, required=True, help="Of your rewards, for yourself first, as 2%.")
@click.option("--share", type=arguments.FRACTION, required=True, help="Of your fees, for those bonded to you, as 25%.")
@click.option("--uri", required=True, help="Where broadcasters reach you, as http://203.0.113.7:8935.")
@click.option("--consensus-pubkey", type=arguments.PUBKEY, help="Your node's ed25519 key, to be a validator too.")
@click.option("--node-home", type=click.Path(path_type=Path), help="Or the node's directory, to take its key from.")
@sending
def transcoder(
    sender: Sender,
    price: Wei,
    cut: Fraction,
    share: Fraction,
    uri: str,
    consensus_pubkey: bytes | None,
    node_home: Path | None,
) -> Sequence[Body]:
    """Register as a transcoder, or publish new rates; they apply from the next round.

    You need a bond to yourself first (headwater tx bond). One unit of work is 240p30 H.264 for one segment. In the
    last part of a round rates are locked: then only a registered transcoder may lower its price.

    \b
    Example:  headwater tx transcoder --price 5gwei --cut 2% --share 25% --uri http://203.0.113.7:8935 \\
                --node-home ~/.headwater/node
    """
    if consensus_pubkey and node_home:
        raise click.UsageError("--consensus-pubkey and --node-home say the same; give one of them")
    key = NodeHome(node_home).validator_key().public_key if node_home else consensus_pubkey
    checked(lambda: check_service_uri(uri))
    return [Transcoder(price, cut, share, uri, key or b"")]


@tx.command()
@click.argument("slots", type=ID)
@sending
def availability(sender: Sender, slots: int) -> Sequence[Body]:
    """Offer to take SLOTS more jobs at a time; 0 withdraws the offer.

    \b
    Example:  headwater tx availability 4 --from t1
    """
    return [TranscodeAvailability(slots)]


@tx.command()
@click.argument("amount", type=arguments.WEI)
@sending
def deposit(sender: Sender, amount: Wei) -> Sequence[Body]:
    """Add AMOUNT of ETH to your deposit, which pays for your jobs.

    \b
    Example:  headwater tx deposit 1ETH --from carol
    """
    return [Deposit(amount)]


@tx.command()
@click.option("--deposit", "deposit_wei", type=arguments.WEI, default="0", help="From your deposit, as 0.5ETH.")
@click.option("--fees", "fees_wei", type=arguments.WEI, default="0", help="From the fees that your stake has earned.")
@click.option("--lock", "lock_ids", type=ID, multiple=True, help="What was unbonded, once released; again for more.")
@sending
def withdraw(sender: Sender, deposit_wei: Wei, fees_wei: Wei, lock_ids: tuple[int, ...]) -> Sequence[Body]:
    """Take ETH out of your deposit or out of the fees that your stake has earned, and LPT out of released locks.

    \b
    Examples:  headwater tx withdraw --deposit 0.5ETH        how much is there: headwater query deposit ADDRESS
               headwater tx withdraw --fees 3gwei            how much is there: headwater query delegator ADDRESS
               headwater tx withdraw --lock 1 --lock 2       which are released: headwater query delegator ADDRESS
    """
    if not (deposit_wei or fees_wei or lock_ids):
        raise click.UsageError("say what to take: --deposit AMOUNT, --fees AMOUNT, --lock LOCK_ID, or several")
    return [Withdraw(deposit_wei, fees_wei, lock_ids)]


@tx.command()
@sending
def reward(sender: Sender) -> Sequence[Body]:
    """Mint your share of the round's new LPT; active transcoders, once per round.

    \b
    Example:  headwater tx reward --from t1
    """
    return [Reward()]


@tx.command("initialize-round")
@sending
def initialize_round(sender: Sender) -> Sequence[Body]:
    """Initialise the round that has begun, where the chain does not do it by itself; anybody, once per round.

    \b
    Example:  headwater tx initialize-round --from alice
    """
    return [InitializeRound()]


@tx.command("register-verifier")
@click.argument("bond", type=arguments.LPT)
@click.option("--uri", default="", help="Where you can be reached; may be left out.")
@sending
def register_verifier(sender: Sender, bond: Lpt, uri: str) -> Sequence[Body]:
    """Bond BOND of LPT as a verifier; you are drawn in proportion to it.

    \b
    Example:  headwater tx register-verifier 10LPT --from v1
    """
    if uri:
        checked(lambda: check_service_uri(uri))
    return [RegisterVerifier(bond, uri)]


@tx.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@sending
def send(sender: Sender, file: Path) -> Sequence[Body]:
    """Send the messages of FILE as one transaction: all of them take effect, or none.

    \b
    {"messages": [{"type": "bond", "amount": "100LPT", "to": "0x52908400098527886E0F7030069857D2E4169EE7"},
                  {"type": "transcode_availability", "slots": 4}],
     "memo": "starting"}
    \b
    Example:  headwater tx send start.json --from t1 --dry-run
    """
    messages, sender.file_memo = messages_from_json(read_json_file(file))
    return messages


@tx.command()
@click.argument("transaction")
@click.option("--no-wait", is_flag=True, help="Return when the node has accepted it, before its block.")
@node_option
@output_option
def broadcast(transaction: str, no_wait: bool, node: str, output: Output) -> None:
    """Send a TRANSACTION that was signed before: its hexadecimal digits, or a file with them.

    Sending the same bytes twice does no harm.

    \b
    Example:  headwater tx transfer bob 5LPT --offline --nonce 3 --chain-id my-chain --fee 5000gwei > signed.hex
              headwater tx broadcast signed.hex
    """
    asyncio.run(_broadcast(_read_transaction(transaction), no_wait, node, output))


for _command in (*STAKE_COMMANDS, *WORK_COMMANDS, *GOVERNANCE_COMMANDS, claim_allocation, submit):
    tx.add_command(_command)


async def _broadcast(signed: SignedTx, no_wait: bool, node: str, output: Output) -> None:
    async with RpcClient(node) as rpc:
        nobody = Signer(recover_sender(decode_tx(signed.raw)), b"")
        client = TxClient(rpc, nobody, signed.body.chain_id, TxLimits(inclusion_seconds=INCLUSION_SECONDS))
        await client.broadcast(signed.raw)
        name = signed.tx_hash.hex().upper()
        if no_wait:
            output.result({"hash": name}, f"sent {name}; ask with: headwater query tx {name}")
            return
        result = (await client.wait(signed)).require_accepted()
        output.result(
            result.to_json() | {"from": to_checksum(nobody.address)}, result_text(result, signed.body.fee_wei)
        )


def _read_transaction(text: str) -> SignedTx:
    path = Path(text)
    try:
        if len(text) < 200 and path.is_file():
            with path.open(encoding="ascii") as file:
                text = file.read(LARGEST_HEX_BYTES)
        raw = bytes.fromhex(text.strip().removeprefix("0x"))
        decoded = decode_tx(raw)
        recover_sender(decoded)
    except (OSError, ValueError) as error:
        raise UsageFailure(f"neither a file nor the hexadecimal digits of a transaction: {error}") from None
    except Rejection as rejection:
        raise UsageFailure(f"not a signed transaction: {rejection}") from None
    return SignedTx(decoded.body, raw, hash_tx(raw))

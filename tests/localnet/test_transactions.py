"""Transactions on a real network: command line and client, lost nodes, proofs, and a genesis document made by hand."""

import asyncio
import json

import pytest

from app.messages.bodies import Denom, Transfer
from app.primitives.address import to_checksum
from app.primitives.amounts import Amount
from chain.cometbft.home import NodeHome
from chain.keys.keyring import Keyring
from chain.localnet import control
from chain.node.ports import choose_free_ports
from chain.rpc.client import RpcClient
from chain.tx.client import TxClient, TxLimits
from chain.tx.queries import Queries
from tests.support.genesis_documents import address_of
from tests.support.nodes import headwater_localnet, wait_for_height
from tests.support.processes import Running, headwater

pytestmark = pytest.mark.network
BOB = address_of("bob")


@pytest.fixture(scope="module")
def localnet(tmp_path_factory):
    made = headwater_localnet(tmp_path_factory.mktemp("net") / "net", 1)
    control.start_detached(made)
    yield made
    control.stop(made)


@pytest.fixture
def command(localnet):
    """Runs `headwater` as a user of the localnet; returns the process."""
    environment = {"HEADWATER_HOME": str(localnet.root), "HEADWATER_NODE": localnet.nodes[0].rpc_url}
    return lambda line: headwater(*line.split(), **environment)


def _told(process, code=0):
    assert process.returncode == code, process.stderr
    return json.loads(process.stdout if code == 0 else process.stderr)


def _with_client(localnet, work, **limits):
    """Run `work(client)` as the faucet."""

    async def run():
        signer = Keyring(localnet.root).load("faucet", lambda name: "")
        async with RpcClient(localnet.nodes[0].rpc_url) as rpc:
            return await work(TxClient(rpc, signer, localnet.chain_id, TxLimits(**limits)))

    return asyncio.run(run())


def test_a_transfer_by_command_is_in_a_block_and_in_the_balance(command):
    before = int(_told(command("query account validator0 -o json"))["lpt"])
    sent = _told(command("tx transfer validator0 12.5LPT --from faucet -o json"))
    assert sent["code"] == 0
    assert [event["event"] for event in sent["events"]] == ["fee_paid", "transfer"]
    after = _told(command("query account validator0 -o json"))
    assert int(after["lpt"]) == before + 125 * 10**17
    assert _told(command(f"query tx {sent['hash']} -o json"))["height"] == sent["height"]


def test_a_record_is_read_with_a_proof_against_the_blocks_app_hash(command, localnet):
    wait_for_height(localnet.nodes[0].rpc_url, 3)
    shown = _told(command("query account faucet --prove -o json"))
    assert shown["exists"] is True
    believed = _told(command(f"query account faucet --height {shown['proven_height']} -o json"))
    assert {name: believed[name] for name in ("nonce", "lpt", "wei")} == shown["record"]
    assert _told(command("query job 999 --prove -o json"))["exists"] is False


def test_a_rejection_in_a_block_ends_with_1_and_the_chains_words(command):
    error = _told(command("tx end-job 999 --from faucet -o json"), 1)["error"]
    assert (error["reason"], error["text"]) == ("UNKNOWN_JOB", "there is no job 999")
    assert error["height"] > 0


def test_a_rejection_at_the_door_ends_with_1_and_height_0(command):
    error = _told(command("tx reward --from faucet --fee 1wei -o json"), 1)["error"]
    assert (error["reason"], error["height"]) == ("FEE_TOO_LOW", 0)


def test_without_a_node_a_command_ends_with_3(command):
    (port,) = choose_free_ports(1)
    process = command(f"tx reward --from faucet --node http://127.0.0.1:{port}")
    assert process.returncode == 3
    assert "cannot reach a node" in process.stderr


def test_signed_offline_it_is_sent_later(command, tmp_path):
    nonce = _told(command("query nonce faucet -o json"))["nonce"]
    line = f"tx transfer {to_checksum(BOB)} 7wei --from faucet --offline --chain-id headwater-localnet"
    signed = command(f"{line} --nonce {nonce} --fee 9000gwei")
    (tmp_path / "signed.hex").write_text(signed.stdout)
    assert _told(command(f"tx broadcast {tmp_path / 'signed.hex'} -o json"))["code"] == 0
    assert _told(command(f"tx broadcast {tmp_path / 'signed.hex'} -o json"))["code"] == 0


def test_200_concurrent_transactions_of_one_key_are_included_in_the_order_of_their_making(localnet):
    async def work(client):
        first = await Queries(client.rpc).nonce(client.signer.address)
        sends = (client.send([Transfer(BOB, Denom.LPT, Amount(amount))]) for amount in range(1, 201))
        results = await asyncio.gather(*sends)
        found = [await client.rpc.tx(result.tx_hash) for result in results]
        last = await Queries(client.rpc).nonce(client.signer.address)
        return found, last - first

    found, used = _with_client(localnet, work)
    places = [(item.height, item.index) for item in found]
    assert places == sorted(places)
    assert used == 200


def test_two_clients_of_one_key_get_everything_through(localnet):
    async def work(client):
        other = TxClient(client.rpc, client.signer, client.chain_id, TxLimits(attempts=20))
        sends = [
            each.send([Transfer(BOB, Denom.LPT, Amount(number))]) for number in range(1, 11) for each in (client, other)
        ]
        return await asyncio.gather(*sends)

    results = _with_client(localnet, work, attempts=20)
    assert len({result.tx_hash for result in results}) == 20
    assert all(result.code == 0 for result in results)


def test_a_node_that_is_restarted_in_between_delays_but_neither_loses_nor_repeats(localnet):
    amount = 10**15

    async def work(client):
        before = int((await Queries(client.rpc).account(BOB))["lpt"])
        sending = [asyncio.create_task(client.send([Transfer(BOB, Denom.LPT, Amount(amount))])) for _ in range(5)]
        await asyncio.to_thread(control.stop, localnet)
        sending += [asyncio.create_task(client.send([Transfer(BOB, Denom.LPT, Amount(amount))])) for _ in range(5)]
        await asyncio.to_thread(control.start_detached, localnet)
        results = await asyncio.gather(*sending)
        return results, int((await Queries(client.rpc).account(BOB))["lpt"]) - before

    results, gained = _with_client(localnet, work, reconnect_seconds=90.0, inclusion_seconds=90.0)
    assert all(result.code == 0 for result in results)
    assert gained == 10 * amount


def test_a_genesis_document_made_by_hand_starts_a_chain(tmp_path):
    home, genesis = tmp_path / "node", tmp_path / "genesis.json"
    rpc, p2p = choose_free_ports(2)
    addresses = ["--rpc", f"tcp://127.0.0.1:{rpc}", "--p2p", f"tcp://127.0.0.1:{p2p}"]
    key = ["--key-file", NodeHome(home).validator_key_file]
    steps = [
        ("genesis", "init", "--chain-id", "by-hand", "--preset", "test", "--file", genesis),
        ("node", "init", "--moniker", "n", "--home", home, *addresses),
        ("genesis", "add-account", to_checksum(BOB), "5LPT", "1ETH", "--file", genesis),
        ("genesis", "add-validator", to_checksum(BOB), "--stake", "100LPT", "--file", genesis, *key),
        ("genesis", "check", "--file", genesis),
    ]
    for step in steps:
        done = headwater(*step)
        assert done.returncode == 0, done.stderr
    NodeHome(home).write_genesis(genesis.read_bytes())
    with Running(tmp_path / "log", "node", "start", "--home", home):
        url = f"http://127.0.0.1:{rpc}"
        wait_for_height(url, 2)
        told = headwater("query", "account", to_checksum(BOB), "--node", url, "-o", "json")
        assert json.loads(told.stdout)["lpt"] == str(5 * 10**18)

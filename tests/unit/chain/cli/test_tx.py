"""`headwater tx` against the real application."""

import json

import pytest

from app.messages.bodies import Denom, Transfer
from app.messages.codec import message_names
from app.messages.transaction import TxBody, decode_tx, sign_body
from app.primitives.address import to_checksum
from chain.cli.main import headwater
from chain.cli.tx import tx
from tests.support.genesis_documents import CHAIN_ID, address_of, consensus_key, private_key

ALICE, BOB = to_checksum(address_of("alice")), to_checksum(address_of("bob"))
HASH = "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02"
RECEIPT = {
    "job_id": 1,
    "stream_id": "s",
    "sequence_number": 7,
    "data_hash": HASH,
    "transcoded_hash": HASH,
    "broadcaster_signature": "00" * 65,
    "toolchain": "t",
    "transcoder_signature": "00" * 65,
}
FILES = {
    "verify.json": {"job_id": 1, "claim_id": 1, "segment": 7, "receipt": RECEIPT, "proof": [HASH]}
    | {"input_cid": HASH, "output_cid": HASH},
    "reveal.json": {"job_id": 1, "claim_id": 1, "segment": 7, "result": HASH, "keyed_digest": HASH, "salt": HASH}
    | {"finding": 0, "rendition": 0},
    "challenge.json": {"job_id": 1, "claim_id": 1, "segment": 7, "receipt": RECEIPT, "proof": [HASH], "bond": "10LPT"}
    | {"source_uri": "http://localhost:1"},
    "double.json": {"first": RECEIPT, "second": RECEIPT},
    "claim.json": {"index": 0, "holder": ALICE, "amount": "7", "proof": [HASH], "root": HASH},
    "large.json": {"type": "end_job", "job_id": 2**64},
    "several.json": {
        "messages": [
            {"type": "transfer", "to": BOB, "denom": "lpt", "amount": "2LPT"},
            {"type": "transfer", "to": BOB, "denom": "eth", "amount": "3gwei"},
        ],
        "memo": "two at once",
    },
}
COMMANDS = {
    "transfer bob 5LPT": "transfer",
    "bond 100LPT": "bond",
    "unbond 40LPT": "unbond",
    "rebond 1 --to bob": "rebond",
    "resign-as-transcoder": "resign_as_transcoder",
    "update-delegator-stake bob": "update_delegator_stake",
    "unjail": "unjail",
    f"rotate-consensus-key {HASH}": "rotate_consensus_key",
    "transcoder --price 5gwei --cut 2% --share 25% --uri http://localhost:1": "transcoder",
    "availability 4": "transcode_availability",
    "deposit 1ETH": "deposit",
    "withdraw --deposit 1gwei --fees 2gwei": "withdraw",
    "job --stream cam1 --price 500gwei": "job",
    "end-job 1": "end_job",
    "reassign-job 1 --reason silent": "reassign_job",
    f"claim-work 1 --ranges 0-9,12 --root {HASH}": "claim_work",
    "verify FILES/verify.json": "verify",
    f"commit-verdict 1 1 7 {HASH}": "commit_verdict",
    "reveal-verdict FILES/reveal.json": "reveal_verdict",
    "distribute-fees 1 1": "distribute_fees",
    "challenge FILES/challenge.json": "challenge",
    "slash-missed-verification 1 1 7": "slash_missed_verification",
    "slash-double-claim FILES/double.json": "slash_double_claim",
    "reward": "reward",
    "initialize-round": "initialize_round",
    "register-verifier 10LPT --uri http://localhost:2": "register_verifier",
    "propose parameter quorum=40% auto_reward=on n=50 min_self_bond=2LPT base_fee_wei=3gwei --title T": "propose",
    "propose spend 5LPT 1gwei --to bob --title T --text why": "propose",
    "propose burn 5LPT --title T": "propose",
    "propose upgrade --height 5000 --app-version 2 --title T": "propose",
    "propose text --title T": "propose",
    "vote 1 abstain": "vote",
    "claim-allocation --file FILES/claim.json": "claim_allocation",
}


@pytest.fixture
def files(tmp_path):
    for name, value in FILES.items():
        (tmp_path / name).write_text(json.dumps(value))
    return lambda line: line.replace("FILES", str(tmp_path))


def test_every_message_of_the_protocol_has_a_command():
    assert set(COMMANDS.values()) == set(message_names())


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_makes_its_message_and_a_dry_run_sends_nothing(shell, node, files, line):
    shown = shell.json(f"tx {files(line)} --from alice --dry-run")
    assert [message["type"] for message in shown["messages"]] == [COMMANDS[line]]
    assert shown["dry_run"] is True
    assert node.received == []
    assert shell(f"tx {files(line)} --from alice --dry-run") == 0
    assert "nothing was sent" in shell.out


def test_a_transfer_is_accepted_and_told_with_its_events(shell):
    assert shell("tx transfer bob 5LPT --from alice") == 0
    assert shell.out.startswith("accepted in block 2, fee ")
    assert f"transfer  sender {to_checksum(address_of('alice'))}  recipient {BOB}  denom lpt  amount 5LPT" in shell.out


def test_a_transfer_of_eth_goes_to_an_address_in_wei(shell, node):
    shown = shell.json(f"tx transfer {BOB} 3gwei --from alice --memo lunch")
    assert shown["messages"] == [{"type": "transfer", "to": BOB, "denom": "eth", "amount": "3000000000"}]
    assert (shown["code"], shown["memo"], shown["nonce"]) == (0, "lunch", 0)
    assert decode_tx(node.received[0]).body.memo == "lunch"
    assert shell.json("query account bob")["wei"] == "3000000000"


def test_lpt_and_eth_go_together_in_one_transaction(shell, node):
    shown = shell.json("tx transfer bob 5LPT 3gwei --from alice")
    assert [message["denom"] for message in shown["messages"]] == ["lpt", "eth"]
    assert len(node.received) == 1
    assert shell.json("query account bob")["lpt"] == "5000000000000000000"


@pytest.mark.parametrize("amount", ["5XYZ", "five", "5"])
def test_an_amount_without_a_known_unit_is_refused_with_examples_of_both_kinds(shell, amount):
    assert shell(f"tx transfer bob {amount} --from alice") == 2
    assert "write for example 12.5LPT, 0.1ETH" in " ".join(shell.err.split())


def test_the_only_key_needs_no_from(shell):
    (shell.home / "keys" / "bob.json").unlink()
    assert shell(f"tx transfer {BOB} 1LPT") == 0


def test_with_several_keys_a_choice_is_asked_for(shell):
    assert shell("tx reward") == 2
    assert "say with --from which key signs: alice, bob" in shell.err


def test_a_rejection_at_the_door_ends_with_1_and_its_name_and_text(shell):
    assert shell("tx transfer bob 1LPT --from alice --fee 5wei") == 1
    assert "FEE_TOO_LOW: a fee of 5wei; at least" in shell.err


def test_a_rejection_in_the_block_ends_with_1_and_its_name_and_text(shell):
    assert shell("tx end-job 7 --from alice") == 1
    assert "UNKNOWN_JOB: there is no job 7 (in block 2; the fee is paid)" in shell.err
    assert shell("tx end-job 7 --from alice -o json") == 1
    error = json.loads(shell.err)["error"]
    assert (error["reason"], error["code"], error["exit_code"]) == ("UNKNOWN_JOB", 52, 1)


def test_no_node_ends_with_3(shell, node):
    node.unreachable = 10**9
    assert shell("tx transfer bob 1LPT --from alice") == 3
    assert "cannot reach a node" in shell.err


def test_no_block_in_time_ends_with_3_and_says_how_to_ask(shell, node):
    node.makes_blocks = False
    assert shell("tx transfer bob 1LPT --from alice --timeout 0.05") == 3
    assert "it may still come, ask with: headwater query tx" in shell.err


def test_no_wait_returns_the_hash_that_query_tx_knows_later(shell):
    shown = shell.json("tx transfer bob 1LPT --from alice --no-wait")
    assert "height" not in shown
    assert shell.json(f"query tx {shown['hash']}")["code"] == 0


def test_signing_offline_talks_to_nobody_and_broadcast_sends_it_any_number_of_times(shell, node, tmp_path):
    node.unreachable = 10**9
    assert shell(f"tx transfer {BOB} 5LPT --from alice --offline --nonce 0 --chain-id {CHAIN_ID} --fee 1000wei") == 0
    signed = tmp_path / "signed.hex"
    signed.write_text(shell.out)
    node.unreachable = 0
    assert shell.run_without_home(f"tx broadcast {signed}") == 0
    assert "accepted in block 2, fee 1000wei" in shell.out
    assert shell.run_without_home(f"tx broadcast {signed.read_text().strip()}") == 0
    assert shell.json("query account bob")["lpt"] == str(5 * 10**18)


def test_offline_asks_for_what_it_cannot_know(shell):
    assert shell("tx reward --from alice --offline") == 2
    assert "give --nonce, --chain-id and --fee" in shell.err


def test_messages_of_a_file_take_effect_together(shell, files):
    shown = shell.json(files("tx send FILES/several.json --from alice"))
    assert (shown["code"], shown["memo"], len(shown["messages"])) == (0, "two at once", 2)
    bob = shell.json("query account bob")
    assert (bob["lpt"], bob["wei"]) == (str(2 * 10**18), str(3 * 10**9))


def test_what_a_command_shows_as_json_can_be_sent_from_a_file(shell, node, tmp_path):
    shown = shell.json("tx transfer bob 5LPT --from alice --dry-run")
    (tmp_path / "again.json").write_text(json.dumps({"messages": shown["messages"]}))
    again = shell.json(f"tx send {tmp_path}/again.json --from alice")
    assert again["messages"] == shown["messages"]


def test_a_job_names_its_stream_after_its_broadcaster_and_tells_its_price(shell):
    shown = shell.json("tx job --stream cam1 --ladder 240p --price 500gwei --segments 10 --from alice --dry-run")
    (job,) = shown["messages"]
    assert job["stream_id"] == f"0x{address_of('alice').hex()}-cam1"
    assert [rendition["name"] for rendition in job["options"]["renditions"]] == ["240p"]
    shell("tx job --stream cam1 --ladder 240p --price 500gwei --segments 10 --from alice --dry-run")
    assert "500gwei per segment, 5000gwei in escrow" in shell.err


def test_a_bond_without_a_name_goes_to_oneself(shell):
    (message,) = shell.json("tx bond 100LPT --from alice --dry-run")["messages"]
    assert message["to"] == to_checksum(address_of("alice"))


def test_a_transcoder_can_take_its_consensus_key_by_option(shell):
    key = consensus_key("x").hex()
    line = f"tx transcoder --price 1 --cut 0% --share 0% --uri http://h:1 --consensus-pubkey {key} --from alice"
    assert shell.json(f"{line} --dry-run")["messages"][0]["consensus_pubkey"] == key
    assert shell(f"{line} --node-home /nowhere") == 2


def test_an_account_that_cannot_pay_the_fee_fails_the_dry_run(shell):
    assert shell("tx reward --from bob --dry-run") == 1
    assert "INSUFFICIENT_FUNDS: the fee is" in shell.err


def test_a_person_at_a_terminal_is_asked_first(shell, node, monkeypatch):
    monkeypatch.setattr("chain.cli.sending.sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    asked = []

    def refuse(text, **options):
        asked.append(text)
        raise KeyboardInterrupt

    monkeypatch.setattr("chain.cli.sending.click.confirm", refuse)
    assert shell("tx transfer bob 5LPT --from alice") == 130
    assert "transfer  to" in asked[0]
    assert "amount 5LPT" in asked[0]
    assert node.received == []
    assert shell("tx transfer bob 5LPT --from alice --yes") == 0


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("transfer nobody 1LPT", "'nobody' is neither an address (0x…) nor a key in"),
        ("transfer 0x12 1LPT", "'0x12' is not an address"),
        ("transfer bob 5", "'5' has no unit"),
        ("transfer bob 5DOGE", "'5DOGE' is not an amount"),
        ("transfer bob 0.0000000000000000001LPT", "is not an amount"),
        ("bond 5gwei", "'5gwei' is not an amount"),
        ("transcoder --price 1 --cut 200% --share 0% --uri http://h:1", "more than the whole"),
        ("transcoder --price 1 --cut 2% --share 0% --uri ftp://h", "service_uri is 'ftp://h'"),
        ("withdraw", "say what to take: --deposit AMOUNT, --fees AMOUNT, --lock LOCK_ID, or several"),
        ("job --stream a/b --price 1", "is expected, NAME of letters"),
        ("job --stream a --price 1 --ladder 4k", "'4k' is neither a ladder (1080p, 720p, 480p, 360p, 240p) nor a file"),
        ("claim-work 1 --ranges 5-3 --root " + HASH, "'5-3' is not a range of segments"),
        ("claim-work 1 --ranges 0-9 --root abc", "'abc' is not a hash"),
        ("commit-verdict 1 1 -7 " + HASH, "No such option"),
        ("availability 99999999999999999999", "99999999999999999999 is not in the range"),
        ("verify FILES/nowhere.json", "cannot read"),
        ("verify FILES/reveal.json", "verify.result: unknown field"),
        ("reveal-verdict FILES/several.json", "reveal_verdict.messages: unknown field"),
        ("send FILES/nowhere.json", "cannot read"),
        ("send FILES/large.json", "no node would read this: INVALID_FIELD: a field cannot be encoded"),
        ("reward --from carol", "there is no key 'carol'"),
        ("reward --memo " + "x" * 300, "memo has a length of 300; at most 256"),
        ("reward --node nonsense://", "is not the address of a node's RPC"),
        ("broadcast zz", "neither a file nor the hexadecimal digits"),
        ("broadcast 00ff", "not a signed transaction"),
    ],
)
def test_a_usage_error_ends_with_2_and_says_what_to_do(shell, files, monkeypatch, line, text):
    if "--node" in line:
        monkeypatch.undo()
    key = "" if "--from" in line or line.startswith("broadcast") else " --from alice"
    run = shell.run_without_home if line.startswith("broadcast") else shell
    assert run(f"tx {files(line)}{key}") == 2, shell.err
    assert text in " ".join(shell.err.split())


@pytest.mark.parametrize("name", sorted(tx.commands))
def test_help_of_every_command_has_an_example(shell, name):
    assert shell(f"tx {name} --help") == 0
    assert f"headwater tx {name}" in shell.out
    assert "Example" in shell.out


def test_a_file_to_submit_whose_lines_are_no_transactions_is_a_usage_error(shell, tmp_path, monkeypatch):
    file = tmp_path / "signed.txt"
    file.write_text("zz\n")
    assert shell.run_without_home(f"tx submit --file {file}") == 2
    assert "signed.txt does not hold a signed transaction in each line" in " ".join(shell.err.split())


def test_what_is_refused_of_a_file_to_submit_is_told_by_line_and_ends_with_1(shell, tmp_path, node):
    body = TxBody(CHAIN_ID, 0, 1, 0, (Transfer(address_of("bob"), Denom.LPT, 1),))
    file = tmp_path / "signed.txt"
    file.write_text(sign_body(body, private_key("alice")).hex())
    assert shell.run_without_home(f"tx submit --file {file}") == 1
    assert "0 of 1 are on the chain" in shell.out
    assert "FEE_TOO_LOW" in shell.out
    assert "1 of 1 transactions are refused" in shell.err


def test_the_group_is_a_part_of_headwater_and_teaches(shell):
    assert "tx" in headwater.list_commands(None)
    assert shell("tx --help") == 0
    assert "Exit codes: 0 accepted, 1 rejected by the chain" in shell.out

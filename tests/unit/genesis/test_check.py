"""Every way in which a document can be wrong has its own line with the field's path."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.primitives.address import to_checksum
from genesis.check import check_document, require_valid
from genesis.document import load_document
from genesis.failures import GenesisError
from tests.support.genesis_documents import address_of, consensus_key, localnet_document

BIG = str(2**128 - 1)


def _problems(change, validators=2):
    document = localnet_document(validators)
    change(document)
    return check_document(document)


def _params(**values):
    return lambda document: document["app_state"]["params"].update(values)


def _transcoder(**values):
    return lambda document: document["app_state"]["transcoders"][0].update(values)


def _consensus(section, **values):
    return lambda document: document["consensus_params"][section].update(values)


def _copy_account(document):
    document["app_state"]["accounts"].append(document["app_state"]["accounts"][0])


def _bond(**values):
    bond = {"delegator": to_checksum(address_of("alice")), "candidate": to_checksum(address_of("node0"))}
    bond |= {"amount": "1000000000000000000"} | values
    return lambda document: document["app_state"]["bonds"].append(bond)


def _profile(**values):
    return lambda document: document["app_state"]["profiles"][0].update(values)


def _huge_stakes(document):
    for transcoder in document["app_state"]["transcoders"]:
        transcoder["stake"] = str(2**62 * 10**18)


@pytest.mark.parametrize("preset", ["localnet", "whitepaper", "test"])
def test_a_built_document_has_no_problem(preset):
    assert check_document(localnet_document(3, preset)) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_params(unbonding_period=40), "app_state.params: verification_period + slashing_period is 40 blocks"),
        (_params(quorum=10**9 + 1), "app_state.params: quorum is 1000000001"),
        (_copy_account, "app_state.accounts[3].address: "),
        (_transcoder(stake="1"), "app_state.transcoders[0].stake: 0.000000000000000001LPT is less than min_self_bond"),
        (_transcoder(service_uri="ftp://x"), "app_state.transcoders[0].service_uri: "),
        (_transcoder(service_uri="http://" + "x" * 200), "app_state.transcoders[0].service_uri: 207 characters"),
        (_transcoder(service_uri="http://\ud800"), "app_state.transcoders[0].service_uri: "),
        (_transcoder(fee_share=10**9 + 1), "app_state.transcoders[0].fee_share: 1000000001 parts per billion"),
        (
            _transcoder(consensus_pubkey="aabb"),
            "app_state.transcoders[0].consensus_pubkey: an ed25519 key has 32 bytes",
        ),
        (
            _transcoder(consensus_pubkey=consensus_key("node1").hex()),
            "app_state.transcoders[1].consensus_pubkey: ",
        ),
        (
            _transcoder(address=to_checksum(address_of("node1"))),
            "app_state.transcoders[1].address: 0x",
        ),
        (_transcoder(address="0x" + "0" * 40), "app_state.transcoders[0].address: the zero address"),
        (_bond(candidate=to_checksum(address_of("bob"))), "app_state.bonds[0].candidate: "),
        (_bond(delegator=to_checksum(address_of("node1"))), "app_state.bonds[0].delegator: "),
        (_bond(amount="0"), "app_state.bonds[0].amount: 0"),
        (lambda d: d["app_state"].update(profiles=[]), "app_state.profiles: none"),
        (_profile(parameters=""), "app_state.profiles[0].parameters: ''"),
        (_profile(codec_weight=0), "app_state.profiles[0].codec_weight: 0"),
        (lambda d: d["app_state"]["accounts"][0].update(lpt=BIG), "app_state: all LPT together"),
        (_huge_stakes, "app_state.transcoders: a total power of"),
        (lambda d: d.update(chain_id="x" * 51), "chain_id: "),
        (lambda d: d.update(chain_id="a b"), "chain_id: 'a b'"),
        (lambda d: d.update(genesis_time="yesterday"), "genesis_time: 'yesterday'"),
        (lambda d: d.update(initial_height="5"), "initial_height: '5'"),
        (lambda d: d.update(app_hash="AB"), "app_hash: must be empty"),
        (lambda d: d.update(validatorz=[]), "validatorz: unknown"),
        (lambda d: d.update(consensus_params=None), "consensus_params: None is not an object"),
        (_consensus("block", max_bytes="1000"), "consensus_params.block.max_bytes: 1000; 524288 to "),
        (_consensus("block", max_bytes=4194304), "consensus_params.block.max_bytes: 4194304 is not a decimal string"),
        (_consensus("block", max_gas="9" * 5000), "consensus_params.block.max_gas: "),
        (_consensus("evidence", max_age_num_blocks="1"), "consensus_params.evidence.max_age_num_blocks: 1; 120 "),
        (_consensus("evidence", max_age_duration="1"), "consensus_params.evidence.max_age_duration: 1; 120000000000 "),
        (
            _consensus("abci", vote_extensions_enable_height="0"),
            "consensus_params.abci.vote_extensions_enable_height: 0",
        ),
        (_consensus("validator", pub_key_types=["bls12381"]), "consensus_params.validator.pub_key_types: "),
        (lambda d: d["validators"].pop(), "validators: "),
        (lambda d: d["validators"].append(d["validators"][0]), "validators[2]: this key stands twice"),
        (lambda d: d["validators"][0].update(power="7"), "validators[0]: power '7'; by the stakes it is '1000'"),
        (lambda d: d["validators"][0]["pub_key"].update(value="AAAA"), "validators[0]: no transcoder"),
        (lambda d: d.update(validators="all"), "validators: "),
        (lambda d: d["validators"].insert(0, None), "validators[0]: no transcoder"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_expected(change, text):
    problems = _problems(change)
    assert any(problem.startswith(text) for problem in problems), problems


def test_all_problems_are_told_at_once():
    def change(document):
        _transcoder(service_uri="", fee_share=10**9 + 1)(document)
        document["chain_id"] = "a b"

    assert [problem.split(":")[0] for problem in _problems(change)] == [
        "chain_id",
        "app_state.transcoders[0].fee_share",
        "app_state.transcoders[0].service_uri",
    ]


def test_every_malformed_field_is_told():
    def change(document):
        document["chain_id"] = ""
        state = document["app_state"]
        state["params"] |= {"t": "x", "zeta": 1}
        del state["params"]["n"]
        state["accounts"][0]["lpt"] = 5

    assert [problem.split(": ")[0] for problem in _problems(change)] == [
        "chain_id",
        "app_state.params.zeta",
        "app_state.params.n",
        "app_state.params.t",
        "app_state.accounts[0].lpt",
    ]


def test_every_parameter_out_of_its_range_is_told():
    assert [problem.split(" is ")[0] for problem in _problems(_params(t=1, quorum=10**9 + 1))] == [
        "app_state.params: t",
        "app_state.params: quorum",
    ]


def test_a_chain_without_a_validator_cannot_start():
    def change(document):
        document["app_state"]["transcoders"] = []
        document["validators"] = []

    assert any("nobody could make a block" in problem for problem in _problems(change))


def test_a_transcoder_beyond_the_first_n_is_no_validator():
    def change(document):
        document["app_state"]["params"]["n"] = 1
        document["app_state"]["transcoders"][1]["stake"] = str(2000 * 10**18)
        document["validators"] = [
            {**item, "power": "2000"}
            for item in document["validators"]
            if base64.b64decode(item["pub_key"]["value"]) == consensus_key("node1")
        ]

    assert _problems(change) == []


def test_a_bond_counts_for_the_power_of_its_transcoder():
    def change(document):
        _bond(amount=str(5 * 10**18))(document)
        for item in document["validators"]:
            if base64.b64decode(item["pub_key"]["value"]) == consensus_key("node0"):
                item["power"] = "1005"

    assert _problems(change) == []


def test_a_validator_may_have_any_name():
    assert _problems(lambda document: document["validators"][0].update(name="somebody else")) == []


def test_a_wrong_document_is_not_read():
    document = localnet_document()
    document["chain_id"] = "a b"
    with pytest.raises(GenesisError, match="chain_id"):
        require_valid(document)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_whatever_stands_in_any_field_the_check_answers_with_problems_and_never_fails(data):
    document = localnet_document(1)
    place = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(_json)
    assert all(":" in problem for problem in check_document(document))


@given(st.binary(max_size=200))
def test_bytes_are_a_document_or_an_error(data):
    try:
        problems = check_document(load_document(data))
    except GenesisError:
        return
    assert problems

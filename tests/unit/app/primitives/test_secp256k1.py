"""One accepted form of a signature, and no other."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.primitives.hashing import keccak256
from app.primitives.secp256k1 import (
    InvalidSignature,
    personal_digest,
    private_key_to_address,
    recover_address,
    sign_digest,
)

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEY = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
DIGEST = keccak256(b"message")
SIGNATURE = sign_digest(KEY, DIGEST)


def high_form(signature):
    """The other signature that the same key could have made: n - s, and the other v."""
    s = ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([signature[64] ^ 1])


def test_a_key_has_the_address_that_ethereum_tools_give_it():
    assert private_key_to_address(KEY).hex() == "2c7536e3605d9c16a7a3d7b1898e529396a65c23"


def test_a_personal_message_is_signed_as_ethereum_wallets_do():
    # web3.js documentation, eth.accounts.sign("Some data", this key)
    digest = personal_digest(b"Some data")
    assert digest.hex() == "1da44b586eb0729ff70a73c326926f6ed5a25f5b056e7f47fbc6e58d86871655"
    signature = sign_digest(KEY, digest)
    assert signature[:32].hex() == "b91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd"
    assert signature[32:64].hex() == "6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a029"
    assert signature[64] == 1


@settings(max_examples=30)
@given(st.integers(1, ORDER - 1), st.binary(min_size=32, max_size=32))
def test_the_signer_is_recovered(secret, digest):
    key = secret.to_bytes(32, "big")
    assert recover_address(digest, sign_digest(key, digest)) == private_key_to_address(key)


@pytest.mark.parametrize(
    ("signature", "says"),
    [
        (high_form(SIGNATURE), "upper half"),
        (SIGNATURE[:64] + bytes([SIGNATURE[64] + 27]), "v is 2"),
        (SIGNATURE[:64] + b"\x02", "v is 2"),
        (SIGNATURE[:64], "65 bytes, this one 64"),
        (SIGNATURE + b"\x00", "65 bytes, this one 66"),
        (b"", "65 bytes, this one 0"),
        (bytes(65), "no public key"),
        (b"\xff" * 32 + SIGNATURE[32:], "no public key"),
        (SIGNATURE[:32] + bytes(32) + SIGNATURE[64:], "no public key"),
    ],
    ids=["high s", "v 27", "v 2", "64 bytes", "66 bytes", "empty", "zeros", "r beyond the order", "s of 0"],
)
def test_no_other_form_of_a_signature_is_accepted(signature, says):
    with pytest.raises(InvalidSignature, match=says):
        recover_address(DIGEST, signature)


def test_the_short_form_of_eip_2098_is_refused():
    y_parity_and_s = int.from_bytes(SIGNATURE[32:64], "big") | (SIGNATURE[64] << 255)
    with pytest.raises(InvalidSignature, match="65 bytes, this one 64"):
        recover_address(DIGEST, SIGNATURE[:32] + y_parity_and_s.to_bytes(32, "big"))


@settings(max_examples=200)
@given(st.binary(min_size=65, max_size=65), st.binary(min_size=32, max_size=32))
def test_recovering_raises_nothing_but_invalid_signature(signature, digest):
    try:
        address = recover_address(digest, signature[:64] + bytes([signature[64] & 1]))
    except InvalidSignature:
        return
    assert len(address) == 20


@pytest.mark.parametrize("key", [b"", bytes(32), ORDER.to_bytes(32, "big"), b"\x01" * 33])
def test_what_is_no_private_key_is_refused(key):
    with pytest.raises(ValueError, match=r".+"):
        private_key_to_address(key)

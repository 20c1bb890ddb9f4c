"""A key comes out of its document as it went in, or not at all."""

import copy
import json
import sys

import pytest

from app.primitives.secp256k1 import private_key_to_address
from chain.keys import keystore
from chain.keys.keystore import Derivation, KeyFileDamaged, PassphraseWrong

SECRET = bytes(31) + b"\x07"
QUICK = Derivation("pbkdf2", 2)
# The test vector of the Web3 Secret Storage definition (PBKDF2-SHA-256).
VECTOR = {
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf": "pbkdf2",
        "kdfparams": {
            "c": 262144,
            "dklen": 32,
            "prf": "hmac-sha256",
            "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
        },
        "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}


@pytest.mark.parametrize("how", [QUICK, Derivation("scrypt", 2)])
def test_a_key_comes_back_with_its_passphrase(how):
    document = keystore.encrypt(SECRET, "Thämes", how)
    assert document["version"] == 3
    assert SECRET.hex() not in json.dumps(document)
    assert keystore.decrypt(keystore.parse_document(json.dumps(document)), "Thämes") == SECRET


def test_the_published_vector_opens():
    secret = keystore.decrypt(keystore.parse_document(json.dumps(VECTOR)), "testpassword")
    assert secret.hex() == "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"


def test_another_passphrase_is_wrong():
    document = keystore.encrypt(SECRET, "right", QUICK)
    with pytest.raises(PassphraseWrong):
        keystore.decrypt(document, "Right")


def test_upper_case_members_are_read_as_old_wallets_wrote_them():
    document = {"Address": "ab", "Crypto": VECTOR["crypto"], "Version": 3}
    assert keystore.parse_document(json.dumps(document))["crypto"] == VECTOR["crypto"]


def test_another_address_than_the_keys_is_refused():
    document = keystore.encrypt(SECRET, "p", QUICK) | {"address": bytes(20).hex()}
    with pytest.raises(KeyFileDamaged, match="not its key's"):
        keystore.decrypt(document, "p")


def without(path):
    """The vector with one member taken out, or changed."""
    document = copy.deepcopy(VECTOR)
    place = document
    *way, last, value = path
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(
    "path",
    [
        ("crypto", None),
        ("crypto", "text"),
        ("crypto", "kdf", None),
        ("crypto", "kdf", "md5"),
        ("crypto", "kdfparams", None),
        ("crypto", "kdfparams", "c", "x"),
        ("crypto", "kdfparams", "salt", "zz"),
        ("crypto", "kdfparams", "prf", "none"),
        ("crypto", "mac", None),
        ("crypto", "cipherparams", {}),
        ("crypto", "ciphertext", 7),
    ],
)
def test_a_damaged_keystore_is_named_so(path):
    with pytest.raises(KeyFileDamaged):
        keystore.decrypt(keystore.parse_document(json.dumps(without(path))), "testpassword")


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        ("scrypt", {"n": 2**40, "r": 8, "p": 1}),
        ("scrypt", {"n": 2, "r": 2**30, "p": 1}),
        ("scrypt", {"n": -2, "r": 8, "p": 1}),
        ("pbkdf2", {"c": 10**12}),
        ("pbkdf2", {"c": 0}),
    ],
)
def test_a_keystore_that_would_take_all_memory_or_hours_is_not_opened(function, parameters):
    document = without(("crypto", "kdf", function))
    document["crypto"]["kdfparams"] |= parameters
    with pytest.raises(KeyFileDamaged, match="more work"):
        keystore.decrypt(document, "testpassword")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 4}', '{"version": "3"}', "\x00"])
def test_what_is_no_keystore_is_refused(text):
    with pytest.raises(KeyFileDamaged):
        keystore.parse_document(text)


def test_an_open_key_says_so_and_is_read_back():
    document = keystore.parse_document(json.dumps(keystore.leave_open(SECRET)))
    assert keystore.is_open(document)
    assert "NOT ENCRYPTED" in document["warning"]
    assert keystore.read_open(document) == SECRET
    assert keystore.stated_address(document) == private_key_to_address(SECRET)
    with pytest.raises(KeyFileDamaged):
        keystore.read_open(document | {"private_key": "0x00"})


def test_generated_keys_are_private_keys_and_differ():
    keys = {keystore.generate_private_key() for _ in range(10)}
    assert len(keys) == 10
    assert all(keystore.is_private_key(key) for key in keys)


@pytest.mark.parametrize("candidate", [b"", bytes(32), b"\xff" * 32, SECRET[1:], SECRET + b"\x00"])
def test_what_is_no_private_key_is_told(candidate):
    assert not keystore.is_private_key(candidate)


def test_encrypting_leaves_the_recursion_limit_alone():
    before = sys.getrecursionlimit()
    keystore.encrypt(SECRET, "secret", QUICK)
    assert sys.getrecursionlimit() == before

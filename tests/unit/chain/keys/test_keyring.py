"""Keys are stored for their owner only, under valid names, and never overwritten."""

import json
import stat

import pytest

from app.primitives.hashing import keccak256
from app.primitives.secp256k1 import recover_address
from chain.keys.keyring import KeyExists, KeyExposed, KeyMissing, KeyNameInvalid, Keyring, Signer
from chain.keys.keystore import Derivation, KeyFileDamaged, PassphraseWrong

SECRET = bytes(31) + b"\x07"
QUICK = Derivation("pbkdf2", 2)


@pytest.fixture
def keyring(tmp_path) -> Keyring:
    return Keyring(tmp_path / "home")


def never(name):
    raise AssertionError(f"asked for a passphrase of {name}")


def test_an_encrypted_key_signs_after_its_passphrase(keyring):
    entry = keyring.add("alice", SECRET, "p", QUICK)
    signer = keyring.load("alice", lambda name: {"alice": "p"}[name])
    digest = keccak256(b"x")
    assert recover_address(digest, signer.sign_digest(digest)) == entry.address == signer.address
    with pytest.raises(PassphraseWrong):
        keyring.load("alice", lambda name: "q")


def test_an_open_key_signs_without_asking(keyring):
    assert not keyring.add("alice", SECRET, None).encrypted
    assert keyring.load("alice", never).private_key == SECRET


def test_the_file_and_its_folder_are_the_owners_alone(keyring):
    entry = keyring.add("alice", SECRET, None)
    assert stat.S_IMODE(entry.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keyring.folder.stat().st_mode) == 0o700


def test_an_existing_key_is_never_overwritten(keyring):
    entry = keyring.add("alice", SECRET, None)
    before = entry.path.read_bytes()
    for attempt in (
        lambda: keyring.add("alice", bytes(31) + b"\x08", None),
        lambda: keyring.add_document("alice", json.loads(before)),
        lambda: keyring.check_free("alice"),
    ):
        with pytest.raises(KeyExists, match="never overwritten"):
            attempt()
    assert entry.path.read_bytes() == before


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "A", "ä", "-a", "a b", "a" * 64, "a\n", "a.json"])
def test_names_that_could_be_paths_or_confuse_are_refused(keyring, name):
    with pytest.raises(KeyNameInvalid):
        keyring.add(name, SECRET, None)
    with pytest.raises(KeyNameInvalid):
        keyring.load(name, never)


def test_a_missing_key_says_which_there_are(keyring):
    with pytest.raises(KeyMissing, match="none yet"):
        keyring.show("alice")
    keyring.add("bob", SECRET, None)
    with pytest.raises(KeyMissing, match="there are: bob"):
        keyring.load("alice", never)
    with pytest.raises(KeyMissing):
        keyring.delete("alice")


def test_a_key_that_others_can_read_is_not_used(keyring):
    entry = keyring.add("alice", SECRET, None)
    entry.path.chmod(0o644)
    with pytest.raises(KeyExposed, match="chmod 600"):
        keyring.load("alice", never)


def test_a_damaged_file_is_named(keyring):
    entry = keyring.add("alice", SECRET, None)
    entry.path.write_text("{")
    with pytest.raises(KeyFileDamaged, match=r"alice\.json"):
        keyring.list()


def test_keys_are_listed_by_name_and_gone_when_deleted(keyring):
    for name in ("carol", "alice", "bob"):
        keyring.add(name, SECRET, None)
    keyring.delete("bob")
    assert [entry.name for entry in keyring.list()] == ["alice", "carol"]


def test_what_is_no_private_key_is_not_stored(keyring):
    with pytest.raises(KeyFileDamaged):
        keyring.add("alice", bytes(32), None)
    assert keyring.list() == []


def test_a_signer_does_not_show_its_key():
    assert SECRET.hex() not in repr(Signer.of(SECRET))
    assert str(SECRET) not in repr(Signer.of(SECRET))

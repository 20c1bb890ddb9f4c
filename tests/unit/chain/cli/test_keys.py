"""`headwater keys` from the outside."""

import json
import stat

import pytest

from chain.cli.main import run
from chain.keys.passphrase import ENVIRONMENT

QUICK = ("--kdf", "pbkdf2", "--iterations", "2")
SECRET = "00" * 31 + "07"
ADDRESS = "0xd41c057fd1c78805AAC12B0A94a405c0461A6FBb"


@pytest.fixture
def keys(tmp_path, capsys, monkeypatch):
    """Run `headwater keys …` in a home of its own: exit code, standard output, standard error."""
    monkeypatch.delenv(ENVIRONMENT, raising=False)

    def call(command, *arguments):
        code = run(["keys", command, *map(str, arguments), "--home", str(tmp_path / "home")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("0x" + SECRET + "\n")
    return file


def test_a_key_is_added_listed_and_shown(keys, tmp_path, monkeypatch):
    monkeypatch.setenv(ENVIRONMENT, "p")
    code, out, _ = keys("add", "alice", *QUICK, "-o", "json")
    added = json.loads(out)
    assert (code, added["encrypted"]) == (0, True)
    assert stat.S_IMODE((tmp_path / "home" / "keys" / "alice.json").stat().st_mode) == 0o600
    assert json.loads(keys("list", "-o", "json")[1]) == [added]
    assert keys("show", "alice", "-a") == (0, added["address"] + "\n", "")


def test_an_unencrypted_key_is_warned_of(keys):
    code, out, err = keys("add", "alice", "--unencrypted")
    assert code == 0
    assert "NOT ENCRYPTED" in err
    assert "NOT ENCRYPTED" in out


def test_an_existing_key_survives_a_second_add(keys, tmp_path):
    keys("add", "alice", "--unencrypted")
    before = (tmp_path / "home" / "keys" / "alice.json").read_bytes()
    code, _, err = keys("add", "alice", "--unencrypted")
    assert code == 2
    assert "never overwritten" in err
    assert (tmp_path / "home" / "keys" / "alice.json").read_bytes() == before


def test_without_passphrase_and_terminal_nothing_is_stored(keys):
    code, _, err = keys("add", "alice")
    assert code == 2
    assert "HEADWATER_PASSPHRASE" in err
    assert json.loads(keys("list", "-o", "json")[1]) == []


def test_a_private_key_is_imported_and_exported(keys, secret_file, tmp_path):
    passphrase = tmp_path / "p"
    passphrase.write_text("p\n")
    code, out, _ = keys(
        "import", "alice", "--private-key-file", secret_file, "--passphrase-file", passphrase, *QUICK, "-o", "json"
    )
    assert code == 0
    assert json.loads(out)["address"] == ADDRESS
    code, out, err = keys("export", "alice", "--private-key", "--passphrase-file", passphrase)
    assert (code, out) == (2, "")
    assert "--yes" in err
    code, out, _ = keys("export", "alice", "--private-key", "--yes", "--passphrase-file", passphrase)
    assert (code, out) == (0, f"0x{SECRET}\n")


def test_a_keystore_goes_out_and_comes_in_as_it_is(keys, secret_file, tmp_path, monkeypatch):
    monkeypatch.setenv(ENVIRONMENT, "p")
    keys("import", "alice", "--private-key-file", secret_file, *QUICK)
    exported = keys("export", "alice")[1]
    (tmp_path / "out.json").write_text(exported)
    assert keys("import", "bob", "--keystore", tmp_path / "out.json")[0] == 0
    assert json.loads(keys("export", "bob")[1]) == json.loads(exported)
    monkeypatch.setenv(ENVIRONMENT, "wrong")
    code, _, err = keys("import", "carol", "--keystore", tmp_path / "out.json")
    assert code == 2
    assert "passphrase is wrong" in err


@pytest.mark.parametrize("content", ["", "0x12", "zz" * 32, "00" * 32, "ff" * 32, "11" * 33])
def test_what_is_no_private_key_is_not_imported(keys, tmp_path, content):
    file = tmp_path / "secret"
    file.write_text(content)
    code, _, err = keys("import", "alice", "--private-key-file", file, "--unencrypted")
    assert code == 2
    assert "private key" in err


def test_import_needs_exactly_one_source(keys, secret_file):
    assert keys("import", "alice", "--unencrypted")[0] == 2
    assert keys("import", "alice", "--private-key-file", secret_file, "--keystore", secret_file)[0] == 2
    assert "cannot read" in keys("import", "alice", "--keystore", "/nonexistent")[2]


def test_an_open_key_is_not_printed_without_a_yes(keys):
    keys("add", "alice", "--unencrypted")
    assert keys("export", "alice")[0] == 2
    assert json.loads(keys("export", "alice", "--yes")[1])["format"] == "headwater-unencrypted-key"


def test_a_key_is_deleted_only_after_a_yes(keys):
    keys("add", "alice", "--unencrypted")
    assert keys("delete", "alice")[0] == 2
    assert keys("show", "alice")[0] == 0
    assert keys("delete", "alice", "--yes")[0] == 0
    code, _, err = keys("show", "alice", "-o", "json")
    assert code == 2
    assert json.loads(err)["error"]["kind"] == "KeyMissing"

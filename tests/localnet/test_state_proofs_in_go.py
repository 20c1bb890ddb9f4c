"""Our existence proofs before CometBFT's own code: its `crypto/merkle`, called by a small Go program.

Skipped where there is no Go toolchain, or where its module cache has no CometBFT.
"""

import base64
import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from app.primitives.state_proof import encode_proof
from app.store.memory import MemoryBackend
from app.store.state_store import StateStore

pytestmark = pytest.mark.network

COMETBFT_MODULE = "github.com/cometbft/cometbft@v0.40.0"
PROGRAM = """
package main

import (
    "encoding/json"
    "os"

    "github.com/cometbft/cometbft/crypto/merkle"
    cmtcrypto "github.com/cometbft/cometbft/proto/tendermint/crypto"
)

type question struct {
    Root, Key, Value []byte
    Ops []cmtcrypto.ProofOp
}

func main() {
    var questions []question
    if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
        panic(err)
    }
    verdicts := make([]string, len(questions))
    for number, asked := range questions {
        path := merkle.KeyPath{}.AppendKey([]byte("state"), merkle.KeyEncodingURL)
        path = path.AppendKey(asked.Key, merkle.KeyEncodingHex)
        proof := &cmtcrypto.ProofOps{Ops: asked.Ops}
        err := merkle.DefaultProofRuntime().VerifyValue(proof, asked.Root, path.String(), asked.Value)
        if err != nil {
            verdicts[number] = err.Error()
        }
    }
    if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
        panic(err)
    }
}
"""


def find_module() -> Path:
    """The folder of CometBFT's source in Go's module cache."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("no Go toolchain on the PATH: proofs were NOT checked against CometBFT's own crypto/merkle")
    cache = subprocess.run([go, "env", "GOMODCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    module = Path(cache) / COMETBFT_MODULE
    if not module.is_dir():
        pytest.skip(f"{module} is missing: proofs were NOT checked against CometBFT's own crypto/merkle")
    return module


@pytest.fixture(scope="module")
def ask_cometbft(tmp_path_factory):
    """A function that gives CometBFT's verdict on each question: an empty text, or its error."""
    module, folder = find_module(), tmp_path_factory.mktemp("go")
    (folder / "main.go").write_text(PROGRAM)
    build = ["go", "build", "-C", str(module), "-o", str(folder / "verify"), str(folder / "main.go")]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr

    def ask(questions: list[dict[str, object]]) -> list[str]:
        text = json.dumps(questions)
        answer = subprocess.run([folder / "verify"], input=text, capture_output=True, text=True, check=True)
        return json.loads(answer.stdout)

    return ask


def encode_bytes(data: bytes) -> str:
    """Bytes as Go's JSON has them."""
    return base64.b64encode(data).decode()


def question(app_hash: bytes, key: bytes, value: bytes, ops) -> dict[str, object]:
    """What the Go program reads."""
    return {
        "Root": encode_bytes(app_hash),
        "Key": encode_bytes(key),
        "Value": encode_bytes(value),
        "Ops": [{"type": op.type, "key": encode_bytes(op.key), "data": encode_bytes(op.data)} for op in ops],
    }


@pytest.mark.parametrize("pair_count", [1, 2, 40, 5000])
def test_cometbft_verifies_our_existence_proofs_and_refuses_forged_values(ask_cometbft, pair_count):
    source = random.Random(pair_count)
    pairs = {source.randbytes(source.choice([1, 21, 127, 128, 300])): source.randbytes(40) for _ in range(pair_count)}
    store = StateStore(MemoryBackend())
    store.commit(1, store.prepare(pairs))
    chosen = source.sample(sorted(pairs), min(500, len(pairs)))
    proofs = {key: encode_proof(store.view().prove(key)) for key in chosen}
    true = ask_cometbft([question(store.app_hash, key, pairs[key], proofs[key]) for key in chosen])
    assert true == [""] * len(chosen)
    forged = ask_cometbft([question(store.app_hash, key, b"forged", proofs[key]) for key in chosen])
    assert all("leaf hash mismatch" in verdict for verdict in forged)
    elsewhere = ask_cometbft([question(bytes(32), key, pairs[key], proofs[key]) for key in chosen])
    assert all("calculated root hash is invalid" in verdict for verdict in elsewhere)

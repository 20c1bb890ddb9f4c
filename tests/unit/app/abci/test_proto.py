"""Our messages against CometBFT's own: every name, number, type, label and enum value."""

import re
import shutil
import subprocess
from pathlib import Path

import grpc_tools
import pytest
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

from app.abci.proto import abci_pb2 as pb

MODULE = "github.com/cometbft/cometbft@v0.40.0"
ROOT = Path(__file__).resolve().parents[4]
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"
SHADOWED = {"tendermint.types.Validator"}
"""Not the Validator that ABCI carries."""


def module_folder() -> Path:
    """CometBFT's sources in Go's module cache; the test is skipped, saying so, where they are not."""
    go = shutil.which("go")
    command = [go, "env", "GOMODCACHE"]
    cache = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() if go else ""
    folder = Path(cache or Path.home() / "go/pkg/mod") / MODULE
    if not folder.is_dir():
        pytest.skip(f"NOT COMPARED with CometBFT's own .proto files: {MODULE} is not in Go's module cache ({folder})")
    return folder


def without_gogoproto(text: str) -> str:
    """The same messages without gogoproto's options, which only its Go generator reads."""
    text = re.sub(r'^import "gogoproto/gogo.proto";', "", text, flags=re.MULTILINE)
    text = re.sub(r"^\s*option \(gogoproto[^;]*;", "", text, flags=re.MULTILINE)
    return re.sub(r"\[\s*\(gogoproto[^\]]*\]", "", text)


def compile_descriptors(folder: Path, *files: str) -> dict[str, object]:
    """Messages and enums by full name, those of imported files included."""
    output = folder / "descriptors"
    arguments = ["protoc", f"-I{folder}", f"-I{WELL_KNOWN}", "--include_imports", f"--descriptor_set_out={output}"]
    assert protoc.main([*arguments, *files]) == 0
    found: dict[str, object] = {}
    for file in descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes()).file:
        collect(file.package, [*file.message_type, *file.enum_type], found)
    return found


def collect(prefix: str, descriptors, found) -> None:
    for descriptor in descriptors:
        name = f"{prefix}.{descriptor.name}"
        found[name] = descriptor
        if isinstance(descriptor, descriptor_pb2.DescriptorProto):
            collect(name, [*descriptor.nested_type, *descriptor.enum_type], found)


def shape(descriptor) -> list[tuple]:
    """What the wire and the reader of a message depend on."""
    if isinstance(descriptor, descriptor_pb2.EnumDescriptorProto):
        return sorted((value.number, value.name) for value in descriptor.value)
    return sorted(
        (field.number, field.name, field.type, field.label, local(field.type_name), field.HasField("oneof_index"))
        for field in descriptor.field
    )


def local(name: str) -> str:
    """A type's name without the package, which is ours here and tendermint's there."""
    return re.sub(r"^\.?(headwater\.abci|tendermint\.\w+)\.", "", name)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ours")
    (folder / "abci.proto").write_text((ROOT / "app/abci/proto/abci.proto").read_text())
    found = compile_descriptors(folder, "abci.proto")
    return {local(name): descriptor for name, descriptor in found.items() if name.startswith("headwater.")}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("theirs")
    for source in (module_folder() / "proto").rglob("*.proto"):
        copy = folder / source.relative_to(module_folder() / "proto")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(without_gogoproto(source.read_text()))
    found = compile_descriptors(folder, "tendermint/abci/types.proto")
    wanted = {name for name in found if name.startswith("tendermint.")} - SHADOWED
    return {local(name): found[name] for name in sorted(wanted)}


def test_every_message_is_cometbfts_field_by_field(ours, theirs):
    assert {name: shape(descriptor) for name, descriptor in ours.items()} == {
        name: shape(theirs[name]) for name in ours if name in theirs
    }


def test_no_message_of_the_two_envelopes_is_missing(ours, theirs):
    carried = {local(field.type_name) for name in ("Request", "Response") for field in theirs[name].field}
    assert carried <= set(ours)


def test_the_comparison_sees_a_wrong_number(ours, theirs):
    wrong = descriptor_pb2.DescriptorProto.FromString(ours["RequestQuery"].SerializeToString())
    wrong.field[0].number += 1
    assert shape(wrong) != shape(theirs["RequestQuery"])


def test_the_generated_code_is_that_of_the_proto_file(ours):
    generated: dict[str, object] = {}
    file = descriptor_pb2.FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(file)
    collect(file.package, [*file.message_type, *file.enum_type], generated)
    assert {local(name): shape(descriptor) for name, descriptor in generated.items()} == {
        name: shape(descriptor) for name, descriptor in ours.items()
    }

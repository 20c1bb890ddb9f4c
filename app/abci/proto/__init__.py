"""The messages of ABCI 2.0 as CometBFT v0.40 sends them, under our own package root; `abci_pb2` is generated.

After a change of `abci.proto`, from the repository's root:

    python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. app/abci/proto/abci.proto

The `grpcio-tools` of `requirements.lock` is the generator: code newer than the installed runtime fails at import.
"""

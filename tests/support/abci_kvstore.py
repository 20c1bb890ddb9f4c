"""A small key-value application, in memory, for tests of the ABCI server; `python -m` runs it as a server process.

Transactions are `key=value`. The transaction `raise` raises wherever it is executed, `boom=raise` only in a block. Each
vote is extended by its height. Queries: `data` is a key; the path `/raise` raises, `/wait` answers only once a CheckTx
has come, `/big` gives a megabyte, `/extensions` how many extended votes our proposals were made on.
"""

import argparse
import hashlib
import logging
import sys
import threading
from typing import NoReturn

from app.abci.application import Application
from app.abci.proto import abci_pb2 as pb
from app.abci.server import serve

RAISING = b"raise"
RAISING_IN_BLOCK = b"boom=raise"
MALFORMED_CODE = 5
WAIT_SECONDS = 20
BIG_BYTES = 1_000_000


class KvStore(Application):
    """Keeps what transactions say, and counts what it is asked."""

    concurrent_queries = True

    def __init__(self) -> None:
        self.height = 0
        self.committed: dict[bytes, bytes] = {}
        self.pending: dict[bytes, bytes] = {}
        self.batch_sizes: list[int] = []
        self.disconnections = 0
        self.extensions = 0
        self.checked = threading.Event()

    @property
    def app_hash(self) -> bytes:
        return self.hash_of(self.committed) if self.height else b""

    def info(self, request):
        return pb.ResponseInfo(data="kvstore", last_block_height=self.height, last_block_app_hash=self.app_hash)

    def check_tx(self, request):
        self.checked.set()
        if request.tx == RAISING:
            _explode()
        return pb.ResponseCheckTx(code=0 if b"=" in request.tx else MALFORMED_CODE, data=request.tx)

    def check_tx_batch(self, requests):
        self.batch_sizes.append(len(requests))
        return super().check_tx_batch(requests)

    def prepare_proposal(self, request):
        votes = request.local_last_commit.votes
        self.extensions += sum(vote.vote_extension == b"%d" % (request.height - 1) for vote in votes)
        return super().prepare_proposal(request)

    def extend_vote(self, request):
        return pb.ResponseExtendVote(vote_extension=b"%d" % request.height)

    def verify_vote_extension(self, request):
        statuses = pb.ResponseVerifyVoteExtension
        right = request.vote_extension == b"%d" % request.height
        return statuses(status=statuses.ACCEPT if right else statuses.REJECT)

    def process_proposal(self, request):
        acceptable = all(b"=" in tx or tx == RAISING for tx in request.txs)
        statuses = pb.ResponseProcessProposal
        return statuses(status=statuses.ACCEPT if acceptable else statuses.REJECT)

    def finalize_block(self, request):
        self.pending = dict(self.committed)
        for tx in request.txs:
            if tx in (RAISING, RAISING_IN_BLOCK):
                _explode()
            key, _, value = tx.partition(b"=")
            self.pending[key] = value
        results = [pb.ExecTxResult(data=tx) for tx in request.txs]
        return pb.ResponseFinalizeBlock(tx_results=results, app_hash=self.hash_of(self.pending))

    def commit(self, request):
        self.committed = self.pending
        self.height += 1
        return pb.ResponseCommit()

    def query(self, request):
        if request.path == "/raise":
            _explode()
        if request.path == "/wait":
            came = self.checked.wait(WAIT_SECONDS)
            return pb.ResponseQuery(value=b"a CheckTx came" if came else b"nothing came")
        if request.path == "/big":
            return pb.ResponseQuery(value=bytes(BIG_BYTES))
        if request.path == "/extensions":
            return pb.ResponseQuery(value=b"%d" % self.extensions)
        value = self.committed.get(request.data)
        if value is None:
            return pb.ResponseQuery(code=1, key=request.data, log="does not exist")
        return pb.ResponseQuery(key=request.data, value=value, height=self.height, log="exists")

    def node_disconnected(self):
        self.disconnections += 1

    @staticmethod
    def hash_of(pairs: dict[bytes, bytes]) -> bytes:
        return hashlib.sha256(repr(sorted(pairs.items())).encode()).digest()


def _explode() -> NoReturn:
    raise RuntimeError("the application was told to raise")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    return serve(KvStore(), arguments.listen, lambda address: print(address, flush=True))


if __name__ == "__main__":
    sys.exit(main())

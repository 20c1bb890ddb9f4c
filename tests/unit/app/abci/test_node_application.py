"""What CometBFT says of its validators with a block, on its way to the protocol."""

from app.abci.node_application import NodeApplication
from app.abci.proto import abci_pb2 as pb
from app.protocol.environment import Evidence


class Recorder:
    """An engine that keeps what it is given, and stops there."""

    def finalize_block(self, *given):
        self.given = given
        raise StopIteration


def told(request):
    engine = Recorder()
    try:
        NodeApplication(engine, "1").finalize_block(request)
    except StopIteration:
        return engine.given
    raise AssertionError("the engine was not asked")


def vote(address, flag):
    return pb.VoteInfo(validator=pb.Validator(address=address, power=1), block_id_flag=flag)


def test_only_who_sent_no_vote_at_all_was_absent():
    votes = [
        vote(b"a" * 20, pb.BLOCK_ID_FLAG_COMMIT),
        vote(b"b" * 20, pb.BLOCK_ID_FLAG_NIL),
        vote(b"c" * 20, pb.BLOCK_ID_FLAG_ABSENT),
    ]
    request = pb.RequestFinalizeBlock(height=7, hash=b"h", decided_last_commit=pb.CommitInfo(votes=votes))
    assert told(request)[4:] == ([b"c" * 20], [])


def test_misbehaviour_of_either_kind_is_evidence_with_the_height_of_the_offence():
    misbehavior = [
        pb.Misbehavior(type=kind, validator=pb.Validator(address=b"a" * 20, power=1), height=height)
        for kind, height in ((pb.DUPLICATE_VOTE, 3), (pb.LIGHT_CLIENT_ATTACK, 4))
    ]
    evidence = told(pb.RequestFinalizeBlock(height=7, misbehavior=misbehavior))[5]
    assert evidence == [Evidence(b"a" * 20, 3), Evidence(b"a" * 20, 4)]

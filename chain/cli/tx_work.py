"""The commands of `headwater tx` about work: jobs, claims, verification."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from app.messages.bodies import (
    Body,
    ClaimWork,
    CommitVerdict,
    DistributeFees,
    DropReason,
    EndJob,
    Job,
    ReassignJob,
    SegmentRange,
    SlashMissedVerification,
)
from app.messages.options import compute_fee_per_segment
from app.messages.segment import check_stream_id, make_stream_id
from app.primitives.amounts import Wei, format_wei
from app.primitives.hashing import Hash32
from chain.cli.arguments import HASH, ID, RANGES
from chain.cli.sending import Sender, checked, sending
from chain.failures import UsageFailure
from chain.tx.ladders import LADDERS, find_ladder
from chain.tx.message_json import message_from_json, read_json_file
from genesis import arguments
from genesis.profiles import FIRST_PROFILES

_CODEC_WEIGHTS = {item.profile_id: item.codec_weight for item in FIRST_PROFILES}


@click.command()
@click.option("--stream", required=True, help="The stream's name: letters, digits, dot, dash, underscore.")
@click.option(
    "--ladder", default="720p", show_default=True, help=f"{', '.join(LADDERS)} (with all below), or a JSON file."
)
@click.option("--price", type=arguments.WEI, required=True, help="The most you pay per unit of work, as 500gwei.")
@click.option("--segments", type=click.IntRange(1, 2**63), default=30, show_default=True, help="To escrow the fee of.")
@sending
def job(sender: Sender, stream: str, ladder: str, price: Wei, segments: int) -> Sequence[Body]:
    """Order the transcoding of a stream; a transcoder is drawn in one of the next blocks.

    A unit of work is 240p30 H.264 for one segment; 720p with all below is about 16 units. The fee of --segments
    segments moves from your deposit into escrow (headwater tx deposit); more work draws on the deposit.

    \b
    A ladder file:  {"renditions": [{"name": "720p", "width": 1280, "height": 720, "frame_rate_numerator": 30,
                                     "frame_rate_denominator": 1, "constant_rate_factor": 23}]}
    \b
    Example:  headwater tx job --stream cam1 --ladder 720p --price 500gwei --segments 60 --from carol
    """
    options = find_ladder(ladder)
    stream_id = stream if stream.startswith("0x") else make_stream_id(sender.address, stream)
    checked(lambda: check_stream_id(stream_id, sender.address))
    weight = _CODEC_WEIGHTS.get(options.profile_id)
    if weight:
        fee = compute_fee_per_segment(price, options, weight)
        sender.note(f"{format_wei(fee)} per segment, {format_wei(fee * segments)} in escrow")
    return [Job(stream_id, options, price, segments)]


@click.command("end-job")
@click.argument("job_id", type=ID)
@sending
def end_job(sender: Sender, job_id: int) -> Sequence[Body]:
    """End the job JOB_ID, as its broadcaster or its transcoder; what was done before can still be claimed.

    \b
    Example:  headwater tx end-job 1 --from carol
    """
    return [EndJob(job_id)]


@click.command("reassign-job")
@click.argument("job_id", type=ID)
@click.option("--reason", type=click.Choice([each.name.lower() for each in DropReason]), required=True)
@sending
def reassign_job(sender: Sender, job_id: int, reason: str) -> Sequence[Body]:
    """Pass your job JOB_ID on to its next backup, because its transcoder is silent, slow, refuses or is wrong.

    Where no backup has a free slot, another transcoder is drawn in the next block. The first one can still claim what
    it did; the drop stands in its public record.

    \b
    Example:  headwater tx reassign-job 1 --reason silent --from carol     who is next: headwater query job 1
    """
    return [ReassignJob(job_id, DropReason[reason.upper()])]


@click.command("claim-work")
@click.argument("job_id", type=ID)
@click.option("--ranges", type=RANGES, required=True, help="The segments, as 0-29,40,50-59.")
@click.option("--root", type=HASH, required=True, help="The Merkle root over their receipts, in order.")
@sending
def claim_work(sender: Sender, job_id: int, ranges: tuple[SegmentRange, ...], root: Hash32) -> Sequence[Body]:
    """Claim work on the job JOB_ID, as its transcoder. `headwater transcoder start` does this by itself.

    \b
    Example:  headwater tx claim-work 1 --ranges 0-29,40-49 --from t1 \\
                --root 5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02
    """
    return [ClaimWork(job_id, ranges, root)]


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@sending
def verify(sender: Sender, file: Path) -> Sequence[Body]:
    """Show the receipt of a challenged segment, out of a JSON FILE. `headwater transcoder start` does this by itself.

    \b
    {"job_id": 1, "claim_id": 1, "segment": 7, "proof": ["<hash>", …], "input_cid": "<hash>", "output_cid": "<hash>",
     "receipt": {"job_id": 1, "stream_id": "0x…-cam1", "sequence_number": 7, "data_hash": "<hash>",
                 "transcoded_hash": "<hash>", "broadcaster_signature": "<130 digits>", "toolchain": "…",
                 "transcoder_signature": "<130 digits>"}}
    \b
    Example:  headwater tx verify receipt-7.json --from t1
    """
    return [_from_file("verify", file)]


@click.command("commit-verdict")
@click.argument("job_id", type=ID)
@click.argument("claim_id", type=ID)
@click.argument("segment", type=ID)
@click.argument("commitment", type=HASH)
@sending
def commit_verdict(sender: Sender, job_id: int, claim_id: int, segment: int, commitment: Hash32) -> Sequence[Body]:
    """Commit to your verdict on a segment you were drawn for. `headwater verifier start` does this by itself.

    \b
    Example:  headwater tx commit-verdict 1 1 7 \\
                5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02
    """
    return [CommitVerdict(job_id, claim_id, segment, commitment)]


@click.command("reveal-verdict")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@sending
def reveal_verdict(sender: Sender, file: Path) -> Sequence[Body]:
    """Reveal the verdict that you committed to, out of a JSON FILE. `headwater verifier start` does this by itself.

    \b
    {"job_id": 1, "claim_id": 1, "segment": 7, "result": "<hash>", "keyed_digest": "<hash>", "salt": "<hash>",
     "finding": 0, "rendition": 0}
    \b
    Example:  headwater tx reveal-verdict verdict-7.json --from v1
    """
    return [_from_file("reveal_verdict", file)]


@click.command("distribute-fees")
@click.argument("job_id", type=ID)
@click.argument("claim_id", type=ID)
@sending
def distribute_fees(sender: Sender, job_id: int, claim_id: int) -> Sequence[Body]:
    """Pay out the claim CLAIM_ID of the job JOB_ID, once its challenges have passed; anybody may ask for it.

    \b
    Example:  headwater tx distribute-fees 1 1
    """
    return [DistributeFees(job_id, claim_id)]


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@sending
def challenge(sender: Sender, file: Path) -> Sequence[Body]:
    """Send a segment of a claim to the court of validators, with a bond, out of a JSON FILE.

    Possible until the claim's slashing period ends, for whoever holds the segment's receipt and its Merkle path. When
    the court finds the work wrong you get the bond back and the finder's fee of the slash; when it finds it right, or
    cannot get the input, the bond is lost. It doubles with each case that you have open. SOURCE_URI is where the input
    can be fetched besides the transcoder; it may be empty.

    \b
    {"job_id": 1, "claim_id": 1, "segment": 7, "bond": "10LPT", "source_uri": "http://203.0.113.7:8935",
     "proof": ["<hash>", …], "receipt": {…, as in headwater tx verify --help}}
    \b
    Example:  headwater tx challenge receipt-7.json --from carol
    """
    return [_from_file("challenge", file)]


@click.command("slash-missed-verification")
@click.argument("job_id", type=ID)
@click.argument("claim_id", type=ID)
@click.argument("segment", type=ID)
@sending
def slash_missed_verification(sender: Sender, job_id: int, claim_id: int, segment: int) -> Sequence[Body]:
    """Report that SEGMENT of the claim CLAIM_ID of the job JOB_ID was challenged and never shown.

    Its transcoder is slashed, once per claim, and you earn the finder's fee. Possible after the claim's verification
    period, for the slashing period.

    \b
    Example:  headwater tx slash-missed-verification 1 1 7     which are missed: headwater query challenges
    """
    return [SlashMissedVerification(job_id, claim_id, segment)]


@click.command("slash-double-claim")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@sending
def slash_double_claim(sender: Sender, file: Path) -> Sequence[Body]:
    """Report two receipts of one segment with different outputs, both signed by its transcoder, out of a JSON FILE.

    The transcoder is slashed, once per segment, and you earn the finder's fee.

    \b
    {"first": {"job_id": 1, "stream_id": "0x…-cam1", "sequence_number": 7, "data_hash": "<hash>",
               "transcoded_hash": "<hash>", "broadcaster_signature": "<130 digits>", "toolchain": "…",
               "transcoder_signature": "<130 digits>"},
     "second": {the same fields, with another transcoded_hash}}
    \b
    Example:  headwater tx slash-double-claim receipts-7.json
    """
    return [_from_file("slash_double_claim", file)]


WORK_COMMANDS = (
    job,
    end_job,
    reassign_job,
    claim_work,
    verify,
    commit_verdict,
    reveal_verdict,
    distribute_fees,
    challenge,
    slash_missed_verification,
    slash_double_claim,
)


def _from_file(name: str, file: Path) -> Body:
    value: Any = read_json_file(file)
    if not isinstance(value, dict) or value.get("type", name) != name:
        raise UsageFailure(
            f"{file} does not hold the fields of {name}; see headwater tx {name.replace('_', '-')} --help"
        )
    return message_from_json({**value, "type": name}, name)

"""Cheated renditions play well and are found; honest ones agree."""

from dataclasses import replace

import pytest

from tests.support.videos import SMALL_LADDER
from transcoder.media.compare import Claim, Finding, Verdict, compare_segment
from transcoder.media.leaf import TranscodedSegment
from transcoder.media.tamper import Cheat, tamper
from transcoder.media.transcode import transcode_segment

pytestmark = pytest.mark.media


def claims_of(result: TranscodedSegment) -> list[Claim]:
    return [Claim(output.name, output.leaf, output.data) for output in result.renditions]


def judge(segment: bytes, claims: list[Claim], reference: TranscodedSegment) -> dict[str, Finding]:
    return {each.name: each for each in compare_segment(segment, SMALL_LADDER, claims, reference=reference)}


def test_honest_work_agrees_by_re_execution(segment: bytes, transcoded: TranscodedSegment) -> None:
    findings = compare_segment(segment, SMALL_LADDER, claims_of(transcoded))
    assert [each.verdict for each in findings] == [Verdict.AGREE] * 2


def test_honest_receipts_agree_without_the_bytes(segment: bytes, transcoded: TranscodedSegment) -> None:
    claims = [replace(claim, data=None) for claim in claims_of(transcoded)]
    assert all(each.is_agreed for each in judge(segment, claims, transcoded).values())


EXPECTED = {
    Cheat.BLACK_FRAMES: (Verdict.FRAMES_DIFFER, "the pictures are black (mean luma 16"),
    Cheat.WRONG_SIZE: (Verdict.WRONG_SIZE, "pictures are 212x120, the job asks for 426x240"),
    Cheat.WRONG_BYTES: (Verdict.WRONG_BYTES, "look alike"),
}


@pytest.mark.parametrize("cheat", list(Cheat))
def test_a_cheated_rendition_plays_and_is_found(segment: bytes, transcoded: TranscodedSegment, cheat: Cheat) -> None:
    cheated = tamper(transcoded, "240p", cheat)
    output = cheated.rendition("240p")
    # The cheat's own output is a segment like any other: it decodes, in full, with its sound.
    again = transcode_segment(output.data, SMALL_LADDER[1:])
    assert again.renditions[0].frames == output.frames == 50
    assert output.leaf.output_hash == output.sha256 != transcoded.rendition("240p").sha256
    findings = judge(segment, claims_of(cheated), transcoded)
    verdict, text = EXPECTED[cheat]
    assert findings["240p"].verdict is verdict
    assert text in findings["240p"].text
    assert findings["144p"].verdict is Verdict.AGREE


def test_cheating_is_repeatable(transcoded: TranscodedSegment) -> None:
    assert tamper(transcoded, "144p", Cheat.WRONG_BYTES) == tamper(transcoded, "144p", Cheat.WRONG_BYTES)
    with pytest.raises(KeyError):
        tamper(transcoded, "1080p", Cheat.WRONG_BYTES)


def test_what_does_not_play_is_unplayable_and_what_is_absent_missing(
    segment: bytes, transcoded: TranscodedSegment
) -> None:
    findings = judge(segment, [Claim("240p", data=b"nonsense")], transcoded)
    assert findings["240p"].verdict is Verdict.UNPLAYABLE
    assert findings["144p"].verdict is Verdict.MISSING


def test_missing_pictures_are_found(segment: bytes, transcoded: TranscodedSegment) -> None:
    ladder = [replace(SMALL_LADDER[0], frame_rate_numerator=12)]
    fewer = transcode_segment(segment, ladder).renditions[0].data
    finding = judge(segment, [Claim("240p", data=fewer)], transcoded)["240p"]
    assert finding.verdict is Verdict.FRAMES_DIFFER
    assert "24 pictures where there must be 50" in finding.text


def test_a_receipt_that_does_not_fit_the_bytes_is_found(segment: bytes, transcoded: TranscodedSegment) -> None:
    claim = claims_of(transcoded)[0]
    assert claim.leaf is not None
    wrong = {
        "commits to others": replace(claim.leaf, output_hash=bytes(32)),
        "says 49 pictures": replace(claim.leaf, frames=49),
        "stage root is not": replace(claim.leaf, stage_root=bytes(32)),
    }
    for text, leaf in wrong.items():
        finding = judge(segment, [replace(claim, leaf=leaf)], transcoded)["240p"]
        assert finding.verdict is Verdict.WRONG_LEAF
        assert text in finding.text
    only_leaf = Claim("240p", leaf=replace(claim.leaf, output_hash=bytes(32)))
    assert judge(segment, [only_leaf], transcoded)["240p"].verdict is Verdict.WRONG_BYTES

"""Cutting a file into closed groups of pictures of T seconds: copied where its key frames fit, else encoded once.

All times are ticks after the file's first picture.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path

from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.filter import Graph
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from transcoder.media.coded import CodedFrame
from transcoder.media.encode import ColourTags, EncoderSettings, SegmentEncoder
from transcoder.media.errors import MediaError, MediaReason
from transcoder.media.pictures import PIXELS, TIME_BASE
from transcoder.media.probe import (
    FFMPEG_ERRORS,
    MediaInfo,
    VideoInfo,
    decode_packet,
    decode_rest,
    first_video,
    open_input,
    probe,
    read_packets,
)
from transcoder.media.profile import Profile
from transcoder.media.timing import TICKS_PER_SECOND

INGEST_PROFILE = Profile(
    profile_id="ingest",
    codec="libx264",
    encoder_options=(("preset", "veryfast"), ("profile", "high")),
    x264_parameters=(("threads", "1"), ("keyint", "infinite"), ("scenecut", "0")),
    scaler_flags="bicubic+accurate_rnd",
    muxer="mpegts",
    muxer_options=(
        ("mpegts_copyts", "1"),
        ("mpegts_flags", "initial_discontinuity"),
        ("avoid_negative_ts", "disabled"),
    ),
    audio_rule="copy-adts",
    golden_vectors="",
)
INGEST_CRF = 20
STANDARD_RATES = tuple(
    Fraction(rate)
    for rate in (
        10,
        12,
        15,
        20,
        Fraction(24000, 1001),
        24,
        25,
        Fraction(30000, 1001),
        30,
        50,
        Fraction(60000, 1001),
        60,
    )
)
STANDARD_RATE_TOLERANCE = Fraction(1, 200)
MAX_RATE = 60
MIN_RATE = 5
MAX_JITTER_TICKS = TICKS_PER_SECOND // 500
"""Matroska rounds times to milliseconds."""
MAX_GAP_TICKS = 30 * TICKS_PER_SECOND
NAL_IDR, NAL_SPS = 5, 7
TURNS = {0: (), 90: ("transpose=cclock",), 180: ("hflip", "vflip"), 270: ("transpose=clock",)}


@dataclass(frozen=True, slots=True)
class VideoCut:
    """One closed group of pictures; `start` and `end` are exact times in seconds after the first picture."""

    frames: tuple[CodedFrame, ...]
    start: Fraction
    end: Fraction
    is_last: bool


@dataclass(frozen=True, slots=True)
class CutPlan:
    """How a file will be cut. `reencoded_because` is None when its pictures are copied as they are.

    `reorder_pictures` is by how many pictures decoding runs ahead of showing in a copied file.
    """

    info: MediaInfo
    frame_rate: Fraction
    segment_seconds: Fraction
    origin_seconds: Fraction
    reencoded_because: str | None
    reorder_pictures: int = 0

    def boundary(self, index: int) -> int:
        """The number of the first picture of cut `index`."""
        return ceil(index * self.segment_seconds * self.frame_rate)

    def picture_ticks(self, number: int) -> int:
        """The time of a picture in ticks."""
        return round(number * TICKS_PER_SECOND / self.frame_rate)

    def picture_number(self, pts: int) -> int:
        """The picture whose time is nearest."""
        return round(pts * self.frame_rate / TICKS_PER_SECOND)


def plan_cut(path: Path, segment_seconds: Fraction) -> CutPlan:
    """Look at the file and decide; MediaError when it cannot be broadcast."""
    info = probe(path)
    with open_input(path) as container:
        origin = _origin(container, first_video(container))
    rate = nominal_rate(info.video.frame_rate)
    draft = CutPlan(info, rate, segment_seconds, origin, None)
    if draft.boundary(1) < 1:
        raise ValueError(f"segments of {segment_seconds} s hold no picture at {rate} pictures per second")
    reason = _unfit_stream(info.video)
    if reason is not None:
        return replace(draft, reencoded_because=reason)
    try:
        reason, reorder_pictures = _walk_packets(path, draft)
    except FFMPEG_ERRORS:
        reason, reorder_pictures = "a packet is damaged", 0
    return replace(draft, reencoded_because=reason, reorder_pictures=reorder_pictures)


def _origin(container: InputContainer, stream: VideoStream) -> Fraction:
    times = [
        packet.pts
        for packet, _ in zip(read_packets(container, stream), range(32), strict=False)
        if packet.pts is not None
    ]
    if not times:
        raise MediaError(MediaReason.UNSUPPORTED, "the video carries no time stamps")
    return min(times) * (stream.time_base or TIME_BASE)


def nominal_rate(measured: Fraction) -> Fraction:
    """The steady rate a stream is given: a standard one when it is within half a percent, else whole, 5 to 60."""
    nearest = min(STANDARD_RATES, key=lambda rate: abs(rate - measured))
    if abs(nearest - measured) <= nearest * STANDARD_RATE_TOLERANCE:
        return nearest
    return Fraction(min(max(round(measured), MIN_RATE), MAX_RATE))


def _unfit_stream(video: VideoInfo) -> str | None:
    """Why these pictures cannot be copied, judged by the stream alone."""
    checks = (
        (video.codec != "h264", f"the codec is {video.codec}"),
        (video.pixel_format != PIXELS, f"the pixel format is {video.pixel_format}"),
        (video.width % 2 or video.height % 2, f"the size {video.width}x{video.height} is odd"),
        (video.rotation, f"the pictures are rotated by {video.rotation} degrees"),
        (video.is_interlaced, "the pictures are interlaced"),
    )
    return next((reason for is_unfit, reason in checks if is_unfit), None)


def _walk_packets(path: Path, plan: CutPlan) -> tuple[str | None, int]:
    """Why the key frames or times do not allow cutting without encoding, and the reordering of those that do."""
    count, index, group_start, highest, reorder = 0, 0, 0, -1, 0
    for frame in annexb_frames(path, plan.origin_seconds):
        number = plan.picture_number(frame.pts)
        if abs(frame.pts - plan.picture_ticks(number)) > MAX_JITTER_TICKS:
            return "the pictures are not evenly spaced", 0
        if number >= plan.boundary(index):
            reason = _unfit_group_start(frame, number, plan.boundary(index), count)
            if reason is not None:
                return reason, 0
            group_start, index = number, index + 1
        if number < group_start:
            return "groups of pictures are open", 0
        reorder, highest = max(reorder, count - number), max(highest, number)
        count += 1
    return (None if count == highest + 1 else "pictures are missing or doubled"), reorder


def _unfit_group_start(frame: CodedFrame, number: int, boundary: int, count: int) -> str | None:
    if number != boundary or not frame.is_key:
        return "its key frames do not fall on the segment boundaries"
    kinds = nal_types(frame.data)
    if NAL_IDR not in kinds or NAL_SPS not in kinds:
        return "its key frames cannot be decoded on their own"
    return None if count == number else "groups of pictures are open"


def nal_types(data: bytes) -> list[int]:
    """The NAL unit types of an H.264 access unit in Annex B form."""
    kinds, position = [], data.find(b"\0\0\1")
    while 0 <= position < len(data) - 3:
        kinds.append(data[position + 3] & 0x1F)
        position = data.find(b"\0\0\1", position + 3)
    return kinds


def annexb_frames(path: Path, origin_seconds: Fraction) -> Iterator[CodedFrame]:
    """The file's H.264 packets in decoding order, parameter sets in front of the key frames."""
    with open_input(path) as container:
        stream = first_video(container)
        to_annexb = BitStreamFilterContext("h264_mp4toannexb", stream)
        for packet in read_packets(container, stream):
            for converted in to_annexb.filter(packet):
                yield _relative(converted, origin_seconds)


def _relative(packet: "Packet[VideoStream]", origin_seconds: Fraction) -> CodedFrame:
    assert packet.pts is not None
    pts = round((packet.pts * packet.time_base - origin_seconds) * TICKS_PER_SECOND)
    dts = pts if packet.dts is None else round((packet.dts * packet.time_base - origin_seconds) * TICKS_PER_SECOND)
    return CodedFrame(pts, dts, 0, packet.is_keyframe, bytes(packet))


def cut_video(path: Path, plan: CutPlan, skip: int = 0) -> Iterator[VideoCut]:
    """The file's cuts in order. The first `skip` ones come without frames where that saves encoding them."""
    if plan.reencoded_because is None:
        return _copied_cuts(path, plan)
    return _encoded_cuts(path, plan, skip)


def _copied_cuts(path: Path, plan: CutPlan) -> Iterator[VideoCut]:
    group: list[CodedFrame] = []
    count, index = 0, 0
    for frame in _evenly_timed(path, plan):
        if group and count == plan.boundary(index + 1):
            yield _finished_cut(group, plan, index)
            group, index = [], index + 1
        group.append(frame)
        count += 1
    if group:
        yield _finished_cut(group, plan, index, count)


def _evenly_timed(path: Path, plan: CutPlan) -> Iterator[CodedFrame]:
    """The file's packets with exact times, where the container had rounded ones or none."""
    for count, frame in enumerate(annexb_frames(path, plan.origin_seconds)):
        pts = plan.picture_ticks(plan.picture_number(frame.pts))
        yield replace(frame, pts=pts, dts=plan.picture_ticks(count - plan.reorder_pictures))


def _finished_cut(frames: Sequence[CodedFrame], plan: CutPlan, index: int, total: int | None = None) -> VideoCut:
    """Cut `index`; `total` is the number of the file's pictures when this is the last one."""
    end = plan.boundary(index + 1) if total is None else total
    return VideoCut(
        tuple(frames), plan.boundary(index) / plan.frame_rate, end / plan.frame_rate, is_last=total is not None
    )


def _encoded_cuts(path: Path, plan: CutPlan, skip: int) -> Iterator[VideoCut]:
    encoder: SegmentEncoder | None = None
    frames: list[CodedFrame] = []
    number = index = 0
    for number, picture in enumerate(steady_pictures(path, plan)):
        if number == plan.boundary(index + 1):
            yield _finished_cut(frames + _rest(encoder), plan, index)
            encoder, frames, index = None, [], index + 1
        if index < skip:
            continue
        encoder = encoder or SegmentEncoder(INGEST_PROFILE, _settings(plan, picture))
        picture.pts, picture.time_base = plan.picture_ticks(number), TIME_BASE
        frames += encoder.encode(picture)
    yield _finished_cut(frames + _rest(encoder), plan, index, number + 1)


def _rest(encoder: SegmentEncoder | None) -> list[CodedFrame]:
    return [] if encoder is None else encoder.finish()


def _settings(plan: CutPlan, picture: VideoFrame) -> EncoderSettings:
    aspect = plan.info.video.pixel_aspect
    if plan.info.video.rotation in (90, 270):
        aspect = 1 / aspect
    return EncoderSettings(
        picture.width, picture.height, INGEST_CRF, plan.picture_ticks(1), ColourTags.of(picture), aspect
    )


def steady_pictures(path: Path, plan: CutPlan) -> Iterator[VideoFrame]:
    """Decoded pictures made upright, progressive, even-sized, 8-bit 4:2:0 and evenly spaced.

    A damaged picture is left out and the one before it stays; MediaError when nothing decodes at all.
    """
    graph = Graph()
    graph.threads = 1
    with open_input(path) as container:
        stream = first_video(container)
        stream.codec_context.thread_count = 1
        shape: tuple[int, int, str] | None = None
        for picture in _timely_pictures(container, stream, plan):
            if shape is None:
                shape = (picture.width, picture.height, picture.format.name)
                _configure(graph, picture, plan)
            # A file that changes its picture size is brought back to the first one.
            graph.vpush(picture.reformat(*shape))
            yield from _ready(graph.vpull)
    if not graph.configured:
        raise MediaError(MediaReason.DAMAGED, f"{path}: no picture can be decoded")
    graph.vpush(None)
    yield from _ready(graph.vpull)


def _ready(pull: Callable[[], VideoFrame]) -> Iterator[VideoFrame]:
    while True:
        try:
            yield pull()
        except FFMPEG_ERRORS:
            return


def _timely_pictures(container: InputContainer, stream: VideoStream, plan: CutPlan) -> Iterator[VideoFrame]:
    """Decoded pictures with rising times after the origin, in ticks."""
    last = -1
    for picture in _decoded(container, stream):
        # The last pictures, which leave the decoder after the last packet, come without a time base.
        time_base = picture.time_base or stream.time_base
        if picture.pts is None or time_base is None:
            continue
        pts = round((picture.pts * time_base - plan.origin_seconds) * TICKS_PER_SECOND)
        if pts <= last:
            continue
        if pts - last > MAX_GAP_TICKS:
            text = f"the time stamps jump by {(pts - last) // TICKS_PER_SECOND} s; re-mux the file or cut it there"
            raise MediaError(MediaReason.UNSUPPORTED, text)
        picture.pts, picture.time_base, picture.duration = pts, TIME_BASE, plan.picture_ticks(1)
        last = pts
        yield picture


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    for packet in read_packets(container, stream):
        yield from decode_packet(packet)
    yield from decode_rest(stream)


def _configure(graph: Graph, picture: VideoFrame, plan: CutPlan) -> None:
    video = plan.info.video
    steps = [
        f"buffer=video_size={picture.width}x{picture.height}:pix_fmt={picture.format.name}"
        f":time_base=1/{TICKS_PER_SECOND}:colorspace={picture.colorspace}:range={picture.color_range}",
        *(("bwdif=mode=send_frame:deint=interlaced",) if video.is_interlaced else ()),
        *TURNS.get(video.rotation, ()),
        f"fps=fps={plan.frame_rate}:start_time=0",
        "crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0:exact=1",
        f"scale=flags={INGEST_PROFILE.scaler_flags}:out_range=tv",
        f"format={PIXELS}",
        "buffersink",
    ]
    contexts = [graph.add(*step.split("=", 1)) for step in steps]
    graph.link_nodes(*contexts).configure()

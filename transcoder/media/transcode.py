"""One segment through a verified profile: decoded once, scaled in a cascade, encoded by one thread per rendition.

The calling thread decodes and scales; each rendition's thread encodes and muxes. Queues between them are bounded,
so the pictures in memory are too. Nothing here depends on how the threads are scheduled: every encoder sees the
same pictures in the same order.
"""

import errno
import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av.error
from av.video.frame import VideoFrame

from transcoder.media.channel import Channel, ChannelClosed
from transcoder.media.coded import AudioTrack, CodedFrame
from transcoder.media.demux import DemuxedSegment, demux_segment
from transcoder.media.encode import ColourTags, EncoderSettings, SegmentEncoder, coded_digest
from transcoder.media.errors import MediaError, MediaReason
from transcoder.media.ladder import Rendition, check_ladder, plan_cascade
from transcoder.media.leaf import RenditionOutput, StageDigests, TranscodedSegment
from transcoder.media.limits import DEFAULT_LIMITS, SegmentLimits
from transcoder.media.mux import mux_segment
from transcoder.media.pictures import KeyedPictureDigest, PictureDecoder, PictureDigest, PixelPacker, Scaler
from transcoder.media.profile import VERIFIED_PROFILE, Profile
from transcoder.media.timing import kept_pictures, mean_frame_ticks

QUEUED_PICTURES = 8


def transcode_segment(
    data: bytes,
    renditions: Sequence[Rendition],
    *,
    profile: Profile = VERIFIED_PROFILE,
    key: bytes | None = None,
    limits: SegmentLimits = DEFAULT_LIMITS,
    queued_pictures: int = QUEUED_PICTURES,
) -> TranscodedSegment:
    """Transcode one MPEG-TS segment into every rendition; MediaError when the input is not acceptable.

    With `key` (a verifier's address) the result carries the digest over the scaled pictures keyed with it.
    """
    ladder = check_ladder(renditions)
    segment = demux_segment(data, limits)
    job = _Job(profile, ladder, segment, key, queued_pictures)
    decoded = job.run(limits)
    times = segment.presentation_times
    return TranscodedSegment(
        hashlib.sha256(data).digest(),
        times[0],
        times[-1] - times[0] + mean_frame_ticks(times),
        tuple(track.output(decoded) for track in job.tracks),
        _combine(key, [track.keyed for track in job.tracks]),
    )


def _combine(key: bytes | None, digests: Sequence[KeyedPictureDigest | None]) -> bytes | None:
    if key is None:
        return None
    return hashlib.sha256(key + b"".join(each.digest() for each in digests if each is not None)).digest()


class _Job:
    """The threads of one segment, and the cascade that feeds them."""

    def __init__(
        self,
        profile: Profile,
        ladder: tuple[Rendition, ...],
        segment: DemuxedSegment,
        key: bytes | None,
        queued_pictures: int,
    ) -> None:
        self._profile = profile
        self._ladder = ladder
        self._segment = segment
        self._failure: BaseException | None = None
        times = segment.presentation_times
        self.tracks = [_Track(profile, rendition, segment.audio, times, key, queued_pictures) for rendition in ladder]
        self._scalers: dict[int, Scaler] = {}
        self._parents: tuple[int | None, ...] = ()

    def run(self, limits: SegmentLimits) -> bytes:
        """Run to the end and return the digest of the decoded pictures; the first error of any thread is raised."""
        threads = [threading.Thread(target=self._encode, args=(track,), daemon=True) for track in self.tracks]
        for thread in threads:
            thread.start()
        try:
            return self._feed(limits)
        except ChannelClosed:
            raise self._cause() from None
        except av.error.FFmpegError as error:
            self._abort()
            raise _explain(error) from error
        except BaseException:
            self._abort()
            raise
        finally:
            for thread in threads:
                thread.join()
            self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._cause()

    def _cause(self) -> BaseException:
        assert self._failure is not None, "a channel closed without a cause"
        return _explain(self._failure)

    def _abort(self) -> None:
        for track in self.tracks:
            track.pictures.abort()

    def _encode(self, track: "_Track") -> None:
        try:
            track.encode()
        except ChannelClosed:
            return
        except BaseException as error:
            self._failure = self._failure or error
            self._abort()

    def _feed(self, limits: SegmentLimits) -> bytes:
        digest, packer = PictureDigest(), PixelPacker()
        decoder = PictureDecoder(self._segment.codec, limits)
        for picture in decoder.pictures(self._segment.video):
            if not self._parents:
                self._plan(_Source(picture.width, picture.height, decoder.aspect, ColourTags.of(picture)))
            digest.update(picture, packer.pack(picture))
            self._scale_and_queue(picture)
        for track in self.tracks:
            track.pictures.finish()
        return digest.digest()

    def _plan(self, source: "_Source") -> None:
        self._parents = plan_cascade(source.width, source.height, self._ladder)
        for track in self.tracks:
            track.source = source

    def _scale_and_queue(self, picture: VideoFrame) -> None:
        scaled: dict[int, VideoFrame] = {}
        for index, track in enumerate(self.tracks):
            if picture.pts in track.kept:
                track.take(self._scaled(index, picture, scaled))

    def _scaled(self, index: int, picture: VideoFrame, done: dict[int, VideoFrame]) -> VideoFrame:
        if index not in done:
            parent = self._parents[index]
            larger = picture if parent is None else self._scaled(parent, picture, done)
            done[index] = self._scaler(index, larger).scale(larger)
        return done[index]

    def _scaler(self, index: int, template: VideoFrame) -> Scaler:
        if index not in self._scalers:
            rendition = self._ladder[index]
            self._scalers[index] = Scaler(template, rendition.width, rendition.height, self._profile.scaler_flags)
        return self._scalers[index]


def _explain(failure: BaseException) -> BaseException:
    """What FFmpeg's scaler, encoder or muxer said, as a MediaError; anything else as it is."""
    if not isinstance(failure, av.error.FFmpegError):
        return failure
    if failure.errno == errno.EINVAL:
        # The muxer wants every picture decoded before it is shown; x264 orders by the times it was given.
        return MediaError(MediaReason.DAMAGED, "the pictures' times are too irregular")
    text = f"the encoder gave up ({failure.strerror}); too little memory is the usual cause"
    return MediaError(MediaReason.ENCODER_FAILED, text)


@dataclass(frozen=True, slots=True)
class _Source:
    """What the encoders have to know about the source's pictures."""

    width: int
    height: int
    aspect: Fraction
    colours: ColourTags


class _Track:
    """One rendition: its queue and hashes on the feeding side, its encoder and muxer on its own thread."""

    def __init__(
        self,
        profile: Profile,
        rendition: Rendition,
        audio: AudioTrack | None,
        times: tuple[int, ...],
        key: bytes | None,
        queued_pictures: int,
    ) -> None:
        self._profile = profile
        self._rendition = rendition
        self._audio = audio
        self.kept = kept_pictures(times, rendition.frame_rate)
        self._frame_ticks = mean_frame_ticks(sorted(self.kept))
        self.pictures: Channel[VideoFrame] = Channel(queued_pictures)
        self.source: _Source | None = None
        self._scaled = PictureDigest()
        self.keyed = None if key is None else KeyedPictureDigest(key)
        self._packer = PixelPacker()
        self._coded: list[CodedFrame] = []
        self._data = b""

    def take(self, picture: VideoFrame) -> None:
        """Hash a scaled picture and hand it to the encoder (feeding side)."""
        pixels = self._packer.pack(picture)
        self._scaled.update(picture, pixels)
        if self.keyed is not None:
            self.keyed.update(picture, pixels)
        self.pictures.put(picture)

    def encode(self) -> None:
        """Encode and mux everything that comes through the queue (own thread)."""
        encoder: SegmentEncoder | None = None
        for picture in self.pictures:
            encoder = encoder or SegmentEncoder(self._profile, self._settings())
            self._coded += encoder.encode(picture)
        if encoder is not None:
            self._coded += encoder.finish()
        self._data = mux_segment(self._coded, self._audio, self._profile)

    def _settings(self) -> EncoderSettings:
        assert self.source is not None, "pictures are queued after the first one was seen"
        rendition, source = self._rendition, self.source
        aspect = source.aspect * Fraction(source.width * rendition.height, source.height * rendition.width)
        return EncoderSettings(
            rendition.width, rendition.height, rendition.crf, self._frame_ticks, source.colours, aspect
        )

    def output(self, decoded: bytes) -> RenditionOutput:
        """The finished rendition; `decoded` is the digest of the source's pictures."""
        muxed = hashlib.sha256(self._data).digest()
        return RenditionOutput(
            self._rendition.name,
            self._data,
            muxed,
            len(self._coded),
            self._rendition.width,
            self._rendition.height,
            StageDigests(decoded, self._scaled.digest(), coded_digest(self._coded), muxed),
        )

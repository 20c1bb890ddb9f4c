"""ADTS headers, against values written down from the standard."""

import pytest

from transcoder.media.adts import SAMPLE_RATES, AdtsFormat, has_header, parse_config, read_header


def test_the_header_of_stereo_aac_lc_at_48_khz() -> None:
    frame = AdtsFormat(object_type=2, rate_index=3, channels=2).wrap(bytes(13))
    assert frame[:7].hex() == "fff14c80029ffc"
    assert len(frame) == 20
    assert has_header(frame)


@pytest.mark.parametrize("rate_index", range(len(SAMPLE_RATES)))
@pytest.mark.parametrize("channels", range(1, 8))
def test_a_header_reads_back(rate_index: int, channels: int) -> None:
    form = AdtsFormat(2, rate_index, channels)
    assert read_header(form.wrap(b"frame")) == form
    assert form.sample_rate == SAMPLE_RATES[rate_index]


def test_the_length_counts_the_header_up_to_13_bits() -> None:
    frame = AdtsFormat(2, 4, 2).wrap(bytes(8000))
    length = (frame[3] & 3) << 11 | frame[4] << 3 | frame[5] >> 5
    assert length == len(frame) == 8007


def test_configurations_that_adts_can_express() -> None:
    assert parse_config(bytes.fromhex("1190")) == AdtsFormat(2, 3, 2)
    assert parse_config(bytes.fromhex("1210")) == AdtsFormat(2, 4, 2)
    # HE-AAC with explicit SBR: ADTS names the core, 24 kHz AAC-LC.
    assert parse_config(bytes.fromhex("2b118800")) == AdtsFormat(2, 6, 2)


def test_configurations_that_it_cannot() -> None:
    assert parse_config(b"") is None
    assert parse_config(bytes.fromhex("1180")) is None, "channels in a program config element"
    assert parse_config(bytes.fromhex("f8e85000")) is None, "an escaped object type"


def test_other_bytes_have_no_header() -> None:
    assert not has_header(b"\xff\xf1")
    assert not has_header(bytes(20))

import hashlib

import pytest

from transcoder.content.address import content_id_of, format_content_id, parse_content_id


def test_an_address_is_what_sha256sum_prints():
    text = format_content_id(content_id_of(b"segment"))
    assert text == hashlib.sha256(b"segment").hexdigest()
    assert parse_content_id(text) == content_id_of(b"segment")


@pytest.mark.parametrize("text", ["", "ab", "g" * 64, "A" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n", "../" + "a" * 61])
def test_anything_but_64_small_hex_digits_is_refused(text):
    with pytest.raises(ValueError, match="is not a content address: 64 digits"):
        parse_content_id(text)

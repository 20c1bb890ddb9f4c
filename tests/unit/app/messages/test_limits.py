"""Limits and the texts that name them."""

import pytest

from app.messages.limits import check_length, check_service_uri, check_text
from app.messages.rejections import Rejection


def test_a_length_up_to_its_limit_is_accepted():
    check_length("memo", 256, 256)
    with pytest.raises(Rejection, match="LIMIT_EXCEEDED: memo has a length of 257; at most 256"):
        check_length("memo", 257, 256)


@pytest.mark.parametrize("text", ["", "tab\t", "é", "\x00", "line\n"])
def test_text_is_printable_ascii(text):
    with pytest.raises(Rejection, match=r"INVALID_FIELD: name is .*; printable ASCII is expected"):
        check_text("name", text)


@pytest.mark.parametrize("uri", ["", "127.0.0.1:80", "ftp://host", "http://a b", "javascript:alert(1)"])
def test_a_service_uri_is_one_that_a_client_could_open(uri):
    with pytest.raises(Rejection, match="INVALID_FIELD: service_uri is"):
        check_service_uri(uri)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:8935", "https://transcoder.example/a"])
def test_http_and_https_are_service_uris(uri):
    check_service_uri(uri)

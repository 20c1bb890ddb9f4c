"""Whether a node has room to go on."""

from chain.node.disk import why_full


def test_enough_room_is_no_reason(tmp_path):
    assert why_full(tmp_path, 0) == ""


def test_too_little_room_is_told_with_what_is_needed(tmp_path):
    assert "a node needs 1000000000; make room" in why_full(tmp_path, 10**9)

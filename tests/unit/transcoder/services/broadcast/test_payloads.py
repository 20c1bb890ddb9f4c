from transcoder.services.broadcast.payloads import PayloadFolder


def test_payloads_stay_until_they_are_removed(tmp_path):
    folder = PayloadFolder(tmp_path / "s")
    folder.put(3, b"three")
    assert PayloadFolder(tmp_path / "s").get(3) == b"three"
    folder.remove(3)
    folder.remove(3)
    assert folder.get(3) is None


def test_a_payload_is_replaced_whole(tmp_path):
    folder = PayloadFolder(tmp_path)
    folder.put(1, b"long content")
    folder.put(1, b"short")
    assert folder.get(1) == b"short"


def test_what_nobody_waits_for_goes_with_what_interrupted_writers_left(tmp_path):
    folder = PayloadFolder(tmp_path)
    for number in range(4):
        folder.put(number, b"x")
    (tmp_path / ".2.ts.abc").write_bytes(b"half")
    folder.keep_only({1, 2, 9})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.ts", "2.ts"]

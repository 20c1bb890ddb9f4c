"""What a container engine is told: a node is well while its height grows, another role while it says so."""

import http.server
import json
import threading

import pytest

from chain.node.healthcheck import STILL_SECONDS, is_growing, is_well, main


@pytest.fixture
def served():
    """A server that answers every path with `answer`: (status code, body)."""
    answer = [200, b"{}"]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answer[0])
            self.end_headers()
            self.wfile.write(answer[1])

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", answer
        server.shutdown()
        thread.join()


def test_a_height_that_grows_is_well_and_one_that_stands_is_not_for_long(tmp_path):
    record = tmp_path / "record"
    assert is_growing(5, 100.0, record)
    assert is_growing(5, 100.0 + STILL_SECONDS - 1, record)
    assert not is_growing(5, 100.0 + STILL_SECONDS, record)
    assert is_growing(6, 100.0 + STILL_SECONDS, record)


def test_a_damaged_record_is_begun_anew(tmp_path):
    (tmp_path / "record").write_text("nonsense")
    assert is_growing(5, 100.0, tmp_path / "record")


def test_a_nodes_answer_counts_by_its_height(served, tmp_path):
    url, answer = served
    answer[1] = json.dumps({"result": {"sync_info": {"latest_block_height": "7"}}}).encode()
    assert is_well(url, 0.0, tmp_path / "record")
    assert not is_well(url, STILL_SECONDS, tmp_path / "record")


def test_another_role_is_well_when_its_healthz_says_so(served, tmp_path, monkeypatch):
    url, answer = served
    monkeypatch.setenv("HEADWATER_HEALTH", url + "/healthz")
    assert main() == 0
    answer[0] = 503
    assert main() == 1


def test_a_node_that_does_not_answer_is_not_well(monkeypatch, capsys):
    monkeypatch.setenv("HEADWATER_HEALTH", "http://127.0.0.1:1")
    assert main() == 1
    assert "http://127.0.0.1:1" in capsys.readouterr().out

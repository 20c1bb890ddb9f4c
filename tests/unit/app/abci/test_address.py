"""Where to listen: the accepted forms, socket files, and clear errors for everything else."""

import socket
import stat
from pathlib import Path

import pytest

from app.abci.address import (
    TcpAddress,
    UnixAddress,
    bound_address,
    close_listener,
    format_address,
    open_listener,
    parse_address,
)
from app.abci.errors import ListenError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:///run/app.sock", UnixAddress(Path("/run/app.sock"))),
        ("unix://app.sock", UnixAddress(Path("app.sock"))),
        ("tcp://127.0.0.1:26658", TcpAddress("127.0.0.1", 26658)),
        ("tcp://[::1]:0", TcpAddress("::1", 0)),
    ],
)
def test_an_address_is_read_and_written_as_cometbft_does(text, address):
    assert parse_address(text) == address
    assert format_address(address) == text


@pytest.mark.parametrize(
    "text",
    ["", "unix://", "127.0.0.1:26658", "tcp://127.0.0.1", "tcp://:1", "tcp://h:99999", "http://h:1", "tcp://h:1/x"],
)
def test_anything_else_is_refused_with_the_accepted_forms(text):
    with pytest.raises(ListenError, match="write unix://PATH or tcp://HOST:PORT"):
        parse_address(text)


def test_a_socket_path_that_the_system_cannot_hold_is_refused():
    with pytest.raises(ListenError, match="has 207 bytes; 107 fit: choose a shorter one"):
        parse_address("unix:///" + "x" * 206)


def test_a_socket_file_is_only_its_owners_and_goes_with_the_listener(tmp_path):
    address = UnixAddress(tmp_path / "s")
    listener = open_listener(address)
    assert stat.S_IMODE(address.path.stat().st_mode) == 0o600
    close_listener(listener, address)
    assert not address.path.exists()


def test_a_socket_file_that_nobody_serves_is_replaced(tmp_path):
    address = UnixAddress(tmp_path / "s")
    open_listener(address).close()
    assert address.path.exists()
    close_listener(open_listener(address), address)


def test_a_socket_file_in_use_is_left_alone(tmp_path):
    address = UnixAddress(tmp_path / "s")
    listener = open_listener(address)
    with pytest.raises(ListenError, match="another server is listening there"):
        open_listener(address)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(address.path))
    close_listener(listener, address)


def test_a_file_that_is_no_socket_is_left_alone(tmp_path):
    path = tmp_path / "s"
    path.write_text("precious")
    with pytest.raises(ListenError, match="there is a file that is no socket"):
        open_listener(UnixAddress(path))
    assert path.read_text() == "precious"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ListenError, match=r"cannot listen on unix://.*missing/s: No such file"):
        open_listener(UnixAddress(tmp_path / "missing/s"))


def test_port_0_lets_the_system_choose_and_says_what_it_chose():
    address = TcpAddress("127.0.0.1", 0)
    listener = open_listener(address)
    chosen = bound_address(listener, address)
    assert chosen == f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(ListenError, match="Address already in use"):
        open_listener(parse_address(chosen))
    close_listener(listener, address)

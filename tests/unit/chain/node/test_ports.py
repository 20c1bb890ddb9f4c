"""Ports are told free or taken by trying, and chosen without doubles."""

import socket

import pytest

from chain.failures import UsageFailure
from chain.node.ports import PortInUse, check_free, choose_free_ports, is_free, split_address


def test_chosen_ports_are_free_and_distinct():
    ports = choose_free_ports(20)
    assert len(set(ports)) == 20
    assert all(is_free("127.0.0.1", port) for port in ports)


def test_a_preferred_port_is_taken_if_free_and_passed_over_if_not():
    free, taken = choose_free_ports(2)
    with socket.create_server(("127.0.0.1", taken)):
        chosen = choose_free_ports(2, preferred=[taken, free])
    assert chosen[0] == free
    assert taken not in chosen


def test_a_taken_port_is_named_with_its_purpose():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortInUse, match=f"RPC port {port} on 127.0.0.1 is in use"):
            check_free({"RPC": f"tcp://127.0.0.1:{port}"})
    check_free({"RPC": f"tcp://127.0.0.1:{port}"})


@pytest.mark.parametrize("address", ["", "tcp://", "tcp://host", "tcp://host:x", "tcp://host:99999", "host:0"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(UsageFailure, match="tcp://host:port"):
        split_address(address)


def test_addresses_are_read_with_and_without_scheme():
    assert split_address("tcp://127.0.0.1:26657") == ("127.0.0.1", 26657)
    assert split_address("localhost:1") == ("localhost", 1)
    assert split_address("tcp://[::1]:5") == ("::1", 5)

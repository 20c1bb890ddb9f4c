"""CometBFT's config.toml: only what we set on purpose, from a dataclass. What is not written keeps CometBFT's default.

Settings and their names: cometbft v0.40.0 config/toml.go.
"""

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chain.failures import UsageFailure

TomlValue = str | int | bool
FLOOD, APP = "flood", "app"
"""Whose mempool it is: CometBFT's, or the application's. All nodes of a network have the same."""

MEMPOOLS = (FLOOD, APP)
DEFAULT_MEMPOOL = FLOOD


class ConfigInvalid(UsageFailure):
    """config.toml is missing, damaged, or sets something that the supervisor cannot work with."""


@dataclass(frozen=True, slots=True)
class ConsensusTimeouts:
    """Milliseconds that consensus waits in each step; `*_delta` is added per further round.

    `commit_ms` is the pause after a block, and so sets the block time: about `commit_ms` plus a round trip.
    """

    propose_ms: int = 3000
    propose_delta_ms: int = 500
    prevote_ms: int = 1000
    prevote_delta_ms: int = 500
    precommit_ms: int = 1000
    precommit_delta_ms: int = 500
    commit_ms: int = 1000


LOCALNET_TIMEOUTS = ConsensusTimeouts(propose_ms=3000, commit_ms=800)


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """What one node's config.toml says.

    Addresses are tcp://host:port; `proxy_app` may also be unix://path or the name of an application built into the
    CometBFT binary (kvstore). `persistent_peers` are id@host:port. `loopback` allows many nodes on one address.
    `relays` is whether peers' transactions are handed on: with the application's mempool, only a network in which all
    nodes are connected to each other can do without.
    """

    moniker: str
    proxy_app: str
    rpc_address: str = "tcp://127.0.0.1:26657"
    p2p_address: str = "tcp://0.0.0.0:26656"
    external_address: str = ""
    persistent_peers: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    peer_exchange: bool = True
    loopback: bool = False
    timeouts: ConsensusTimeouts = field(default_factory=ConsensusTimeouts)
    mempool: str = DEFAULT_MEMPOOL
    relays: bool = True
    mempool_transactions: int = 100_000
    mempool_recheck: bool = True
    index_transactions: bool = True
    prometheus_address: str = ""
    log_level: str = "info"

    def to_toml(self) -> str:
        """The text of config.toml."""
        return "\n".join(_section(name, values) for name, values in self._sections().items())

    def _sections(self) -> dict[str, dict[str, TomlValue]]:
        sections: dict[str, dict[str, TomlValue]] = {
            "": {
                "proxy_app": self.proxy_app,
                "moniker": self.moniker,
                "log_level": self.log_level,
            },
            "rpc": {
                "laddr": self.rpc_address,
                # A websocket client that cannot keep up must notice: the default drops its events silently.
                "experimental_close_on_slow_client": True,
                "experimental_subscription_buffer_size": 2000,
                "experimental_websocket_write_buffer_size": 2200,
            },
            "p2p": self._p2p(),
            "mempool": self._mempool(),
            "consensus": _timeouts(self.timeouts),
            "tx_index": {"indexer": "kv" if self.index_transactions else "null"},
            "instrumentation": {
                "prometheus": bool(self.prometheus_address),
                "prometheus_listen_addr": self.prometheus_address or "127.0.0.1:0",
                "namespace": "cometbft",
            },
        }
        if self.mempool == APP:
            sections["headwater"] = {"relay": self.relays}  # our own supervisor's; CometBFT passes it over
        return sections

    def _mempool(self) -> dict[str, TomlValue]:
        if self.mempool == APP:
            return {
                "type": APP,
                # What goes over the network are bundles of 60 KB: this many are more than two minutes of full load.
                "seen_cache_size": 20_000,
                "reap_interval": "100ms",
                "check_tx_retry_delay": "1s",
            }
        return {
            "type": FLOOD,
            "size": self.mempool_transactions,
            "cache_size": 2 * self.mempool_transactions,
            "recheck": self.mempool_recheck,
            # Python answers about 10,000 rechecks a second: the default of 1 s would cut a full mempool short.
            "recheck_timeout": "10s",
        }

    def _p2p(self) -> dict[str, TomlValue]:
        values: dict[str, TomlValue] = {
            "laddr": self.p2p_address,
            "external_address": self.external_address,
            "persistent_peers": ",".join(self.persistent_peers),
            "seeds": ",".join(self.seeds),
            "pex": self.peer_exchange,
        }
        if self.loopback:
            values |= {
                "addr_book_strict": False,
                "allow_duplicate_ip": True,
                # Without it a peer that was away for a minute is dialled ever more rarely, up to hours apart.
                "persistent_peers_max_dial_period": "2s",
                "flush_throttle_timeout": "10ms",
            }
        return values


def _timeouts(timeouts: ConsensusTimeouts) -> dict[str, TomlValue]:
    return {
        "timeout_propose": f"{timeouts.propose_ms}ms",
        "timeout_propose_delta": f"{timeouts.propose_delta_ms}ms",
        "timeout_prevote": f"{timeouts.prevote_ms}ms",
        "timeout_prevote_delta": f"{timeouts.prevote_delta_ms}ms",
        "timeout_precommit": f"{timeouts.precommit_ms}ms",
        "timeout_precommit_delta": f"{timeouts.precommit_delta_ms}ms",
        "timeout_commit": f"{timeouts.commit_ms}ms",
    }


def _section(name: str, values: dict[str, TomlValue]) -> str:
    head = f"[{name}]\n" if name else "# Written by Headwater. What is not set here keeps CometBFT's default.\n"
    return head + "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())


def _toml(value: TomlValue) -> str:
    """JSON's strings, integers and booleans are TOML's as well."""
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class EffectiveConfig:
    """What the supervisor reads back from a config.toml that its owner may have changed."""

    moniker: str
    proxy_app: str
    rpc_address: str
    p2p_address: str
    persistent_peers: tuple[str, ...]
    mempool: str = FLOOD
    relays: bool = True


def read_config(path: Path) -> EffectiveConfig:
    """Read config.toml; ConfigInvalid says which file, what is wrong and, where known, the line."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigInvalid(f"{path} does not exist; make a node's home with: headwater node init") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigInvalid(f"cannot read {path}: {error}") from error
    peers = _text(document, path, "p2p", "persistent_peers", "")
    return EffectiveConfig(
        moniker=_text(document, path, "", "moniker", ""),
        proxy_app=_text(document, path, "", "proxy_app", "tcp://127.0.0.1:26658"),
        rpc_address=_text(document, path, "rpc", "laddr", "tcp://127.0.0.1:26657"),
        p2p_address=_text(document, path, "p2p", "laddr", "tcp://0.0.0.0:26656"),
        persistent_peers=tuple(peer.strip() for peer in peers.split(",") if peer.strip()),
        mempool=_read_mempool(document, path),
        relays=_flag(document, path, "headwater", "relay", True),
    )


def _read_mempool(document: dict[str, Any], path: Path) -> str:
    """Whose mempool it is; ConfigInvalid for one that would take transactions and never propose them."""
    kind = _text(document, path, "mempool", "type", FLOOD) or FLOOD
    if kind not in MEMPOOLS:
        raise ConfigInvalid(f"{path}: mempool.type is {kind!r}; Headwater works with {' and '.join(MEMPOOLS)}")
    if kind == APP and not _flag(document, path, "consensus", "create_empty_blocks", True):
        raise ConfigInvalid(
            f"{path}: consensus.create_empty_blocks = false needs mempool.type = {FLOOD!r}: CometBFT does not see the "
            "application's mempool, and would never make a block"
        )
    return kind


def _text(document: dict[str, Any], path: Path, section: str, key: str, default: str) -> str:
    value = _value(document, section, key, default)
    if not isinstance(value, str):
        raise ConfigInvalid(f"{path}: {_dotted(section, key)} must be a string")
    return value


def _flag(document: dict[str, Any], path: Path, section: str, key: str, default: bool) -> bool:
    value = _value(document, section, key, default)
    if not isinstance(value, bool):
        raise ConfigInvalid(f"{path}: {_dotted(section, key)} must be true or false")
    return value


def _value(document: dict[str, Any], section: str, key: str, default: TomlValue) -> Any:
    table = document.get(section, {}) if section else document
    return table.get(key, default) if isinstance(table, dict) else None


def _dotted(section: str, key: str) -> str:
    return f"{section}.{key}" if section else key

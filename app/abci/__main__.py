"""The application process that `headwater node start` runs beside CometBFT: `python -m app.abci --home … --listen …`.

Exit codes: 0 after a signal, 4 when a block needs a later version, 1 when something went wrong, with one line that says
what.
"""

import argparse
import gc
import logging
import sys
from importlib.metadata import version as release
from pathlib import Path

from app.abci.court_desk import CourtDesk
from app.abci.node_application import NodeApplication
from app.abci.server import serve
from app.execution.engine import Engine
from app.execution.mempool.own import MempoolOptions
from app.messages.attestation import DESK_FILE
from app.params import APP_VERSION
from app.store.errors import StoreError
from app.store.journal import Journal
from app.store.leveldb import LevelDbBackend
from app.store.state_store import StateStore

GC_THRESHOLDS = 50_000, 20, 100
"""A block makes many objects and no cycles: Python's own thresholds would walk the whole mempool all the time."""


def main(version: int = APP_VERSION) -> int:
    """Open the state and serve CometBFT until a signal comes, or until a block needs a later version than this."""
    options = _parse_options()
    gc.set_threshold(*GC_THRESHOLDS)
    logging.basicConfig(
        level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    try:
        options.home.mkdir(parents=True, exist_ok=True)
        store = StateStore(LevelDbBackend(options.home / "state"))
        own_mempool = _mempool_options(options) if options.mempool == "app" else None
    except (StoreError, OSError) as error:
        print(f"headwater: {error}", file=sys.stderr)
        return 1
    engine = Engine(store, options.check_invariants, version, own_mempool=own_mempool)
    try:
        if options.rollback:
            print(f"headwater: rolled back to height {store.rollback()}")
            return 0
        desk = CourtDesk(options.home / DESK_FILE)
        return serve(NodeApplication(engine, release("headwater"), desk), options.listen)
    finally:
        engine.close()


def _mempool_options(options: argparse.Namespace) -> MempoolOptions:
    return MempoolOptions(Journal(options.home / "mempool"), relays=not options.no_relay)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m app.abci", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of the application's state")
    parser.add_argument("--listen", default="unix:///tmp/headwater.sock", help="unix://PATH or tcp://HOST:PORT")
    parser.add_argument("--check-invariants", action="store_true", help="walk the whole state after every block")
    parser.add_argument("--rollback", action="store_true", help="go back one height and end; for `cometbft rollback`")
    parser.add_argument(
        "--mempool", default="flood", choices=["app", "flood"], help="whose it is: as [mempool] type in config.toml"
    )
    parser.add_argument("--no-relay", action="store_true", help="do not hand peers' transactions on (full meshes)")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

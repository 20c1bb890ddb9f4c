"""Upgrades: from a planned height on, blocks need another version of the application (protocol.md, section 11).

The version that executes blocks is part of the state, and of every header. A build executes blocks up to its own
version; a block that needs a later one it refuses before it has changed anything (`execution.engine`), so that the node
stops with the state of the block before. A build with the later version goes on from there. It may be started before
the height: until then it computes what the old version did.

One upgrade is planned at a time: one that is adopted later takes the place of one that still waits.
"""

from app.messages.bodies import Propose
from app.messages.events import UpgradeApplied, UpgradePlanned
from app.messages.records import AppVersion
from app.messages.rejections import Reason, Rejection
from app.primitives.amounts import Height
from app.protocol.environment import BlockEnv, Env
from app.protocol.governance.outcomes import drop, finish
from app.state.tables import APP_VERSIONS, PROPOSALS, ReadState, State

# --- accessors


def get_needed_version(state: ReadState, height: int) -> int:
    """The version that a block needs, from the state before it."""
    now = APP_VERSIONS.read(state)
    return now.next_version if now.next_version and height >= now.next_height else now.version


# --- checks


def check_plan(state: ReadState, content: Propose, end_height: Height) -> None:
    """Check that an upgrade comes after its own voting, and leads to a later version.

    Raises:
        Rejection: UPGRADE_INVALID.
    """
    if content.upgrade_height <= end_height:
        raise Rejection(
            Reason.UPGRADE_INVALID,
            f"the upgrade is planned for height {content.upgrade_height}; its voting ends at {end_height}",
        )
    version = APP_VERSIONS.read(state).version
    if content.app_version <= version:
        raise Rejection(
            Reason.UPGRADE_INVALID, f"version {content.app_version} is no upgrade; the chain runs version {version}"
        )


# --- mutators


def plan_upgrade(state: State, env: Env, proposal_id: int) -> None:
    """Plan an adopted upgrade, in the place of one that is planned already."""
    content, now = PROPOSALS.read(state, proposal_id).content, APP_VERSIONS.read(state)
    if content.app_version <= now.version:
        drop(state, env, proposal_id, f"the chain runs version {now.version} already")
        return
    if now.next_version:
        drop(state, env, now.proposal_id, f"proposal {proposal_id} plans another upgrade")
    height = Height(content.upgrade_height)
    APP_VERSIONS.put(state, AppVersion(now.version, content.app_version, height, proposal_id))
    env.emit(UpgradePlanned(proposal_id, height, content.app_version))


def begin_block(state: State, env: BlockEnv) -> None:
    """Let a planned upgrade take effect, before anything else in its block."""
    now = APP_VERSIONS.read(state)
    if not now.next_version or env.height < now.next_height:
        return
    APP_VERSIONS.put(state, AppVersion(now.next_version, 0, Height(0), 0))
    finish(state, now.proposal_id)
    env.emit(UpgradeApplied(now.proposal_id, now.next_version))

"""A short soak of `make soak`, and that the soak finds, names and replays what it is there for."""

import pytest

from app.primitives.amounts import Lpt
from app.protocol.ledger import credit_lpt
from tests.support.chain_driver import ALICE, tamper
from tests.support.soak import Soak, SoakHistory, main, soak

OPERATIONS = 4_000
BAD_HEIGHT = 11


@pytest.mark.parametrize("seed", [1, 2])
def test_thousands_of_random_operations_keep_every_invariant_and_all_money_to_the_unit(seed):
    soaked = soak(seed, OPERATIONS)
    assert soaked.failure == ""
    assert soaked.operations >= OPERATIONS
    assert soaked.accepted >= OPERATIONS // 10


def test_a_seed_plays_the_same_again_whatever_is_checked_on_the_way():
    often, never = Soak(3), Soak(3)
    often.run(600, 50)
    never.run(600, 10**9)
    assert often.history.chain.engine.app_hash == never.history.chain.engine.app_hash


class Robbed(SoakHistory):
    """A history in which somebody gets LPT out of nothing, in the middle of a block."""

    def block(self):
        engine = self.chain.engine
        if engine.height == BAD_HEIGHT - 1:
            finalize = engine.finalize_block
            engine.finalize_block = lambda *block, **said: self._rob(finalize(*block, **said))
        return super().block()

    def _rob(self, result):
        engine = self.chain.engine
        del engine.finalize_block
        height, _, changes = engine._prepared
        robbed = self.chain.state.prepare({**changes, **self._loot()})
        engine._prepared = (height, robbed, changes)
        return result

    def _loot(self):
        return tamper(self.chain.state, lambda state: credit_lpt(state, ALICE.address, Lpt(1))).changes()


def test_a_failure_is_pinned_to_its_block_and_says_how_to_play_it_again():
    soaked = soak(4, 1_000, Robbed)
    assert soaked.failure.startswith(f"at height {BAD_HEIGHT}: LPT supply: ")
    assert f"make soak SEEDS=4 OPERATIONS={soaked.operations}" in str(soaked)


def test_the_command_tells_of_each_seed(capsys):
    assert main(["--seeds", "5,6", "--operations", "200", "--processes", "1"]) == 0
    said = capsys.readouterr().out
    assert "seed 5: " in said
    assert "seed 6: " in said
    assert "0 of 2 seeds failed" in said

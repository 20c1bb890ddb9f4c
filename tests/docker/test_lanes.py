"""Rows share lanes, end for who waits for them, and clean up when they are interrupted."""

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest

from tests.docker.lanes import Lanes, Row


@pytest.fixture
def lanes():
    opened = Lanes(lanes=3)
    yield opened
    opened.close()


async def tell() -> list[str]:
    return ["all is well"]


async def fail() -> list[str]:
    raise AssertionError("this network is broken")


class Watch:
    """Which rows began, in their order, and how many lanes were taken at most."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.taken = self.most = 0

    def row(self, name: str, lanes: int, seconds: float) -> Row:
        async def play() -> list[str]:
            self.begun.append(name)
            self.taken += lanes
            self.most = max(self.most, self.taken)
            await asyncio.sleep(0.01)
            self.taken -= lanes
            return []

        return Row(name, play, lanes, seconds)


def test_whoever_waits_for_a_row_is_told_its_lines_and_how_long_it_took(lanes):
    lanes.begin([Row("good", tell)])
    assert lanes.wait_for("good") == ["all is well", "good took 0 s"]


def test_a_row_that_fails_fails_for_whoever_waits_for_it_and_for_nobody_else(lanes):
    lanes.begin([Row("bad", fail), Row("good", tell)])
    with pytest.raises(AssertionError, match="this network is broken"):
        lanes.wait_for("bad")
    assert lanes.wait_for("good")[0] == "all is well"


def test_the_largest_rows_begin_first_and_never_more_than_there_are_lanes_for(lanes):
    watch = Watch()
    sizes = {"small": (1, 1), "long": (1, 9), "wide": (2, 8), "too wide": (4, 3), "short": (1, 0.5)}
    lanes.begin([watch.row(name, *size) for name, size in sizes.items()])
    for name in sizes:
        lanes.wait_for(name)
    assert watch.begun == ["wide", "too wide", "long", "small", "short"]
    assert watch.most == 4, "what is too wide for all lanes has them for itself"


def test_a_row_that_is_interrupted_removes_what_it_made_and_what_it_left_is_told():
    lanes, began, removed = Lanes(), threading.Event(), threading.Event()

    async def play() -> list[str]:
        try:
            began.set()
            await asyncio.Event().wait()
        except BaseException as error:
            error.add_note("logs are kept in a folder")
            raise
        finally:
            await asyncio.sleep(0)
            removed.set()
        return []

    lanes.begin([Row("endless", play)])
    assert began.wait(30)
    assert lanes.close() == ["logs are kept in a folder"]
    assert removed.is_set()
    with pytest.raises(CancelledError):
        lanes.wait_for("endless")

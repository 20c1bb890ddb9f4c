"""What the demonstration takes for proven."""

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from transcoder.demo import verdict


@dataclass
class Node:
    """A validator whose application has come to a height, and what it answered to each block."""

    height: int
    answers: dict[int, bytes]

    async def __aenter__(self) -> "Node":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""

    async def abci_info(self) -> Any:
        return SimpleNamespace(height=self.height)

    async def block_results(self, height: int) -> Any:
        return SimpleNamespace(app_hash=self.answers[height])


def agreement(monkeypatch: pytest.MonkeyPatch, **nodes: Node) -> verdict.Check:
    monkeypatch.setattr(verdict, "RpcClient", nodes.__getitem__)
    return asyncio.run(verdict._agreement_check(list(nodes)))


def test_validators_agree_by_what_their_own_applications_answered_at_the_lowest_height(monkeypatch):
    check = agreement(monkeypatch, first=Node(7, {6: b"a", 7: b"b"}), second=Node(6, {6: b"a"}))
    assert check.holds
    assert "2 validators, height 6" in check.found


def test_one_application_with_another_answer_is_seen(monkeypatch):
    assert not agreement(monkeypatch, first=Node(6, {6: b"a"}), second=Node(6, {6: b"x"})).holds

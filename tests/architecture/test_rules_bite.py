"""Each rule of this folder finds the offence it is there for, and leaves its lawful neighbour alone."""

import pytest

from tests.architecture import bans, docstrings, layers, sizes
from tests.architecture.source import parse_module


def module(name, text="", **kwargs):
    return parse_module(name, text, **kwargs)


@pytest.mark.parametrize(
    ("importer", "statement"),
    [
        ("genesis.check", "import chain.node"),
        ("app.protocol.jobs", "from genesis import presets"),
        ("chain.node", "def f():\n    from transcoder.media import probe"),
        ("chain.node", "import importlib\nimportlib.import_module('transcoder.cli')"),
        ("chain.tx", "from app.execution import engine"),
        ("transcoder.roles", "from app import protocol"),
        ("genesis.presets", "import app.state.tables"),
    ],
)
def test_an_upward_import_or_one_past_the_doors_of_app_is_found(importer, statement):
    assert layers.crossed_packages((module(importer, statement),))


@pytest.mark.parametrize("target", ["app.primitives.amounts", "app.messages", "app.params"])
def test_the_doors_of_app_are_open_to_everyone(target):
    assert not layers.crossed_packages((module("transcoder.roles.verifier", f"import {target}"),))


@pytest.mark.parametrize(
    ("importer", "target"),
    [
        ("store", "messages"),
        ("messages", "store"),
        ("primitives", "params"),
        ("state", "protocol"),
        ("protocol", "execution"),
        ("execution", "abci"),
    ],
)
def test_an_upward_or_sideways_import_inside_app_is_found(importer, target):
    assert layers.crossed_app_layers((module(f"app.{importer}.a", f"from app.{target} import b"),))


def test_a_relative_import_is_resolved_before_it_is_judged():
    assert layers.crossed_app_layers((module("app.state.a", "from ..execution import engine"),))
    assert layers.crossed_app_layers((module("app.state", "from ..execution import engine", is_package=True),))


@pytest.mark.parametrize("top", ["abci", "simulation"])
def test_the_top_layers_of_app_may_import_all_below_and_not_each_other(top):
    text = "\n".join(f"import app.{layer}" for layer in layers.APP_RANK)
    (crossed,) = layers.crossed_app_layers((module(f"app.{top}.server", text),))
    assert crossed.endswith({"abci": " imports app.simulation", "simulation": " imports app.abci"}[top])


def test_a_module_outside_the_layers_is_found():
    assert layers.modules_without_layer((module("app.helpers"), module("app.params"), module("app"))) == ["app.helpers"]


@pytest.mark.parametrize(
    ("library", "importer", "statement"),
    [
        ("plyvel", "app.state.tables", "import plyvel"),
        ("plyvel", "app.state.tables", "import plyvel_next as plyvel"),
        ("av", "transcoder.services.worker", "def f():\n    from av.video import frame"),
        ("protobuf", "chain.rpc.client", "from app.messages import transaction_pb2"),
        ("protobuf", "app.execution.engine", "from google.protobuf import message"),
    ],
)
def test_a_wrapped_library_imported_elsewhere_is_found(library, importer, statement):
    assert layers.foreign_importers((module(importer, statement),), library)
    home = layers.SINGLE_IMPORTERS[library][1][0]
    assert not layers.foreign_importers((module(f"{home}.inner", statement),), library)


def test_a_cycle_over_three_modules_is_found_and_a_diamond_is_not():
    cycle = (
        module("a.x", "import a.y"),
        module("a.y", "def f():\n    import a.z"),
        module("a.z", "from a.x import name"),
    )
    diamond = (
        module("a.x", "import a.y, a.z"),
        module("a.y", "import a.w"),
        module("a.z", "import a.w"),
        module("a.w"),
    )
    assert layers.import_cycles(cycle) == ["a.x <-> a.y <-> a.z"]
    assert not layers.import_cycles(diamond)


@pytest.mark.parametrize(
    "text",
    [
        "x = 0.5",
        "x = 1 / 3",
        "x = float(3)",
        "x = hash('a')",
        "import time",
        "from datetime import datetime",
        "import secrets",
        "def f():\n    import random",
        "import os\nos.environ['A']",
        "for x in {1, 2}: pass",
        "x = [y for y in set(z)]",
        "def f(a: set[int]):\n    return list(a)",
        "def f(a, b):\n    c = set(a) - b\n    for d in c: pass",
        "def f(a: frozenset[bytes]):\n    return b''.join(a)",
        "class A:\n    names: set[str]\ndef f(a):\n    return [n for n in a.names]",
        "def names() -> set[str]: ...\ndef f():\n    return {n: 1 for n in names()}",
        "def f(a: set[int]):\n    return a.pop()",
        "class A:\n  def f(self):\n    self.dirty = set()\n  def g(self):\n    for k in self.dirty: pass",
    ],
)
def test_what_could_differ_between_two_validators_is_found(text):
    assert bans.banned_in_app((module("app.protocol.a", text),))


@pytest.mark.parametrize(
    "text",
    [
        "x = 7 // 2",
        "def f(a: set[int]):\n    for b in sorted(a): pass",
        "def f(a: set[int]):\n    return 3 in a and len(a) > 1",
        "def f(a: set[int], c: list[int]):\n    return [b for b in c if b not in a]",
        "def f(a: set[int]):\n    return any(b > 3 for b in a)",
        "class A:\n    names: list[str]\ndef f(a):\n    return [n for n in a.names]",
        "def f(a: list[int]):\n    return a.pop()",
    ],
)
def test_what_every_validator_computes_alike_is_left_alone(text):
    assert not bans.banned_in_app((module("app.protocol.a", text),))


def test_the_shells_of_app_may_use_the_clock_but_not_the_environment():
    assert not bans.banned_in_app((module("app.abci.server", "import time, os"),))
    assert bans.banned_in_app((module("app.abci.server", "from os import environ"),))
    assert not bans.banned_in_app((module("chain.node", "import time\nx = 0.5"),))


def test_a_missing_docstring_is_found_in_a_module_a_class_and_a_method():
    text = "class A:\n    def b(self): ...\n    def _c(self): ...\ndef _d(): ..."
    assert docstrings.undocumented_in_app((module("app.a", text),)) == ["app.a: the module", "app.a:1 A", "app.a:2 b"]


def test_a_long_function_and_a_long_file_are_found():
    text = "def f():\n" + "    x = 1\n" * 80
    assert sizes.above(sizes.function_sizes((module("chain.a", text),)), sizes.FUNCTION_MAX_LINES)
    assert not sizes.above(sizes.function_sizes((module("chain.a", text),)), 81)
    assert sizes.above(sizes.file_sizes((module("chain.a", text),)), 80) == ["chain.a: 81 lines, limit 80"]

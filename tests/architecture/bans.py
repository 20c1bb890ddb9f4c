"""What code that every validator must compute alike may not contain: from modules to the offending lines."""

import ast
from collections.abc import Iterator

from tests.architecture.sets import iterations_over_sets
from tests.architecture.source import Module

BANNED_MODULES = {"time", "datetime", "random", "secrets", "uuid", "os", "locale"}
SHELLS = {"abci", "store"}
SHELL_MODULES = {"time", "os"}
BANNED_CALLS = {"hash", "id", "float"}
BANNED_OS_ATTRIBUTES = {"environ", "environb", "getenv", "urandom"}


def banned_in_app(modules: tuple[Module, ...]) -> list[str]:
    """Clocks, chance, the environment, floats, and orders that differ between two processes, anywhere in `app`."""
    members = tuple(module for module in modules if module.parts[0] == "app")
    found = [f"{module.name}:{line} {text}" for module in members for line, text in _banned(module)]
    return found + iterations_over_sets(members)


def _banned(module: Module) -> Iterator[tuple[int, str]]:
    is_shell = len(module.parts) > 1 and module.parts[1] in SHELLS
    allowed = SHELL_MODULES if is_shell else set()
    for target, line in module.imports:
        if _is_banned_import(target, BANNED_MODULES - allowed):
            yield line, f"imports {target}"
    for node in ast.walk(module.tree):
        yield from _banned_node(node, is_shell)


def _is_banned_import(target: str, modules: set[str]) -> bool:
    package, _, attribute = target.partition(".")
    return package in modules or (package == "os" and attribute in BANNED_OS_ATTRIBUTES)


def _banned_node(node: ast.AST, is_shell: bool) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
        yield node.lineno, f"float literal {node.value}"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BANNED_CALLS:
        yield node.lineno, f"calls {node.func.id}()"
    elif isinstance(node, ast.Attribute) and node.attr in BANNED_OS_ATTRIBUTES and _is_os(node.value):
        yield node.lineno, f"os.{node.attr}"
    elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div) and not is_shell:
        # `/` on integers is a float; only the shells, which handle paths, have another use for it.
        yield node.lineno, "true division"


def _is_os(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "os"

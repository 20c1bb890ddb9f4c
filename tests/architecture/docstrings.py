"""Which public things of `app` say nothing about themselves."""

import ast
from collections.abc import Iterator

from tests.architecture.source import FunctionNode, Module


def undocumented_in_app(modules: tuple[Module, ...]) -> list[str]:
    return [text for module in modules if module.parts[0] == "app" for text in _undocumented(module)]


def _undocumented(module: Module) -> Iterator[str]:
    if not ast.get_docstring(module.tree):
        yield f"{module.name}: the module"
    for node in _public_definitions(module.tree.body):
        if not ast.get_docstring(node):
            yield f"{module.name}:{node.lineno} {node.name}"


def _public_definitions(body: list[ast.stmt]) -> Iterator[FunctionNode | ast.ClassDef]:
    for node in body:
        if isinstance(node, FunctionNode | ast.ClassDef) and not node.name.startswith("_") and not _is_overload(node):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public_definitions(node.body)


def _is_overload(node: FunctionNode | ast.ClassDef) -> bool:
    """A second description of one function, or of one property, adds nothing."""
    decorators = {ast.unparse(each).rpartition(".")[2] for each in node.decorator_list}
    return bool(decorators & {"overload", "override", "setter"})

"""Find code whose result depends on the order of a set.

The order of a set of bytes or strings differs between two processes (hash seeds), so on a chain it splits validators.
A name counts as a set when it is assigned or annotated as one in its function; an attribute or a function, when every
annotation of that name in the examined modules is a set. `sorted`, membership, sizes and set algebra are fine.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.architecture.source import FunctionNode, Module

SET_TYPES = {"set", "frozenset", "Set", "AbstractSet", "MutableSet"}
SET_METHODS = {"union", "intersection", "difference", "symmetric_difference"}
SET_OPERATORS = (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)
ORDER_FREE = {"sorted", "set", "frozenset", "len", "any", "all", "sum", "min", "max"}
ORDER_TAKERS = {
    "list",
    "tuple",
    "iter",
    "enumerate",
    "zip",
    "map",
    "filter",
    "dict",
    "bytes",
    "bytearray",
    "reversed",
    "next",
}


@dataclass
class Annotations:
    """Names that are annotated as a set, and names that are annotated as something else, over all modules."""

    sets: set[str] = field(default_factory=set)
    others: set[str] = field(default_factory=set)

    def note(self, name: str, annotation: ast.expr | None) -> None:
        if annotation is not None:
            (self.sets if is_set_type(annotation) else self.others).add(name)

    def is_set(self, name: str) -> bool:
        return name in self.sets and name not in self.others


def is_set_type(annotation: ast.expr) -> bool:
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    name = annotation.attr if isinstance(annotation, ast.Attribute) else getattr(annotation, "id", "")
    return name in SET_TYPES


def iterations_over_sets(modules: tuple[Module, ...]) -> list[str]:
    annotations = _annotations(modules)
    offenders = []
    for module in modules:
        for scope in [module.tree, *module.functions()]:
            offenders += [
                f"{module.name}:{line} depends on the order of a set"
                for line in _Scope(scope, annotations).offending_lines()
            ]
    return offenders


def _annotations(modules: tuple[Module, ...]) -> Annotations:
    annotations = Annotations()
    for module in modules:
        for node in ast.walk(module.tree):
            _note(annotations, node)
    return annotations


def _note(annotations: Annotations, node: ast.AST) -> None:
    match node:
        case ast.FunctionDef(name=name, returns=returns) | ast.AsyncFunctionDef(name=name, returns=returns):
            annotations.note(name + "()", returns)
        case ast.ClassDef(body=body):
            for field_ in body:
                if isinstance(field_, ast.AnnAssign) and isinstance(field_.target, ast.Name):
                    annotations.note(field_.target.id, field_.annotation)
        case ast.AnnAssign(target=ast.Attribute(attr=name), annotation=annotation):
            annotations.note(name, annotation)
        case ast.Assign(targets=[ast.Attribute(attr=name)], value=ast.Call(func=ast.Name(id="set" | "frozenset"))):
            annotations.sets.add(name)


class _Scope:
    """One function, or the module outside its functions."""

    def __init__(self, scope: ast.Module | FunctionNode, annotations: Annotations) -> None:
        self._annotations = annotations
        self._nodes = list(_own_nodes(scope))
        self._sets: set[str] = set()
        if isinstance(scope, FunctionNode):
            arguments = [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]
            self._sets |= {each.arg for each in arguments if each.annotation and is_set_type(each.annotation)}
        for node in self._nodes:
            self._learn(node)

    def _learn(self, node: ast.AST) -> None:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and is_set_type(node.annotation):
            self._sets.add(node.target.id)
        elif isinstance(node, ast.Assign) and self._is_set(node.value):
            self._sets |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.NamedExpr) and self._is_set(node.value):
            self._sets.add(node.target.id)

    def _is_set(self, node: ast.expr) -> bool:
        match node:
            case ast.Set() | ast.SetComp():
                return True
            case ast.Name(id=name):
                return name in self._sets
            case ast.Attribute(attr=name):
                return self._annotations.is_set(name)
            case ast.BinOp(left=left, op=operator, right=right):
                return isinstance(operator, SET_OPERATORS) and (self._is_set(left) or self._is_set(right))
            case ast.Call(func=ast.Name(id=name)):
                return name in {"set", "frozenset"} or self._annotations.is_set(name + "()")
            case ast.Call(func=ast.Attribute(value=owner, attr=name)):
                return self._annotations.is_set(name + "()") or (name in SET_METHODS and self._is_set(owner))
        return False

    def offending_lines(self) -> Iterator[int]:
        excused = {argument for node in self._nodes for argument in _order_free_arguments(node)}
        for node in self._nodes:
            if node not in excused and any(self._is_set(each) for each in _ordered_uses(node)):
                yield getattr(node, "lineno", 0)


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope in the order of the text, without those of the functions inside it."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, FunctionNode):
            yield from _own_nodes(child)


def _order_free_arguments(node: ast.AST) -> list[ast.expr]:
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ORDER_FREE
        and not node.keywords
    ):
        return node.args
    return []


def _ordered_uses(node: ast.AST) -> list[ast.expr]:
    """The expressions of which this node takes the elements one after the other."""
    match node:
        case ast.For(iter=source) | ast.AsyncFor(iter=source):
            return [source]
        case (
            ast.ListComp(generators=generators)
            | ast.DictComp(generators=generators)
            | ast.GeneratorExp(generators=generators)
        ):
            return [each.iter for each in generators]
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in ORDER_TAKERS:
            return arguments
        case ast.Call(func=ast.Attribute(attr="join"), args=arguments):
            return arguments
        case ast.Call(func=ast.Attribute(value=owner, attr="pop"), args=[]):
            return [owner]
        case ast.Starred(value=source):
            return [source]
    return []

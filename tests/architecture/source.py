"""The project's own Python, parsed once: what every rule of this folder looks at."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "chain", "genesis", "transcoder")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One source file; `imports` are dotted names, as deep as the text gives them, function-level ones included."""

    name: str
    is_package: bool
    tree: ast.Module
    line_count: int
    imports: tuple[tuple[str, int], ...]

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.name.split("."))

    def functions(self) -> Iterator[FunctionNode]:
        return (node for node in ast.walk(self.tree) if isinstance(node, FunctionNode))


def parse_module(name: str, text: str, *, is_package: bool = False) -> Module:
    tree = ast.parse(text)
    imports = tuple(sorted(_imports(tree, name, is_package)))
    return Module(name, is_package, tree, text.count("\n"), imports)


def _imports(tree: ast.Module, name: str, is_package: bool) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, name, is_package)
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call):
            yield from ((target, node.lineno) for target in _dynamic_import(node))


def _absolute(node: ast.ImportFrom, name: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    package = name.split(".") if is_package else name.split(".")[:-1]
    anchor = package[: len(package) - (node.level - 1)]
    return ".".join([*anchor, *([node.module] if node.module else [])])


def _dynamic_import(call: ast.Call) -> Iterator[str]:
    """`importlib.import_module("x")` is an import like any other."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in {"import_module", "__import__"} and call.args:
        argument = call.args[0]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value


def is_generated(path: Path) -> bool:
    return path.stem.endswith("_pb2")


@cache
def source_modules() -> tuple[Module, ...]:
    return tuple(
        _load(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")) if not is_generated(path)
    )


def _load(path: Path) -> Module:
    is_package = path.name == "__init__.py"
    relative = path.relative_to(ROOT).with_suffix("")
    name = ".".join(relative.parts[:-1] if is_package else relative.parts)
    return parse_module(name, path.read_text(encoding="utf-8"), is_package=is_package)


def resolve(modules: tuple[Module, ...]) -> dict[str, set[str]]:
    """For each module those of the tree it imports: `from a.b import c` is `a.b.c` if that is a module, else `a.b`."""
    known = {module.name for module in modules}
    return {
        module.name: {target for name, _ in module.imports if (target := _known_prefix(name, known))} - {module.name}
        for module in modules
    }


def _known_prefix(name: str, known: set[str]) -> str | None:
    if name in known:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in known else None


@cache
def committed_files() -> tuple[Path, ...]:
    """Every file that is, or with `git add` would be, in the repository; relative to its root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    names = [name.decode() for name in listed.split(b"\0") if name]
    return tuple(sorted({Path(name) for name in names if (ROOT / name).is_file()}))


def report(offenders: list[str]) -> str:
    """The text of a failed rule: one offender a line."""
    return "\n".join([f"{len(offenders)} offender(s):", *sorted(offenders)])

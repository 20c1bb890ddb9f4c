"""Who may import whom, as functions from modules to the offending imports."""

from collections.abc import Callable

from tests.architecture.source import Module, resolve

PACKAGE_RANK = {"app": 0, "genesis": 1, "chain": 2, "transcoder": 3}
APP_RANK = {
    "primitives": 0,
    "params": 1,
    "messages": 2,
    "store": 2,
    "state": 3,
    "protocol": 4,
    "execution": 5,
    "abci": 6,
    "simulation": 6,
}
APP_DOORS = {"primitives", "messages", "params"}

SINGLE_IMPORTERS: dict[str, tuple[Callable[[str], bool], tuple[str, ...]]] = {
    "plyvel": (lambda name: _is_within(name, "plyvel") or _is_within(name, "plyvel_next"), ("app.store",)),
    "av": (lambda name: _is_within(name, "av"), ("transcoder.media",)),
    "protobuf": (
        lambda name: _is_within(name, "google.protobuf") or any(part.endswith("_pb2") for part in name.split(".")),
        ("app.abci", "app.messages"),
    ),
}


def _is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def crossed_packages(modules: tuple[Module, ...]) -> list[str]:
    """Imports against `transcoder → chain → genesis → app`, or past the three doors of `app`."""
    return [
        f"{module.name}:{line} imports {target}"
        for module in modules
        for target, line in module.imports
        if _crosses_package(module.parts, tuple(target.split(".")))
    ]


def _crosses_package(importer: tuple[str, ...], target: tuple[str, ...]) -> bool:
    if target[0] not in PACKAGE_RANK or importer[0] == target[0]:
        return False
    if PACKAGE_RANK[importer[0]] < PACKAGE_RANK[target[0]]:
        return True
    return target[0] == "app" and (len(target) < 2 or target[1] not in APP_DOORS)


def crossed_app_layers(modules: tuple[Module, ...]) -> list[str]:
    """Imports against `abci → execution → protocol → state → (store | messages) → params → primitives`."""
    return [
        f"{module.name}:{line} imports {target}"
        for module in modules
        for target, line in module.imports
        if _crosses_app_layer(module.parts, tuple(target.split(".")))
    ]


def _crosses_app_layer(importer: tuple[str, ...], target: tuple[str, ...]) -> bool:
    if importer[0] != "app" or target[0] != "app" or len(importer) < 2 or len(target) < 2 or importer[1] == target[1]:
        return False
    return APP_RANK.get(importer[1], -1) <= APP_RANK.get(target[1], len(APP_RANK))


def modules_without_layer(modules: tuple[Module, ...]) -> list[str]:
    return [
        module.name
        for module in modules
        if module.parts[0] == "app" and len(module.parts) > 1 and module.parts[1] not in APP_RANK
    ]


def foreign_importers(modules: tuple[Module, ...], library: str) -> list[str]:
    """Imports of a library outside the one package that may know it."""
    matches, homes = SINGLE_IMPORTERS[library]
    return [
        f"{module.name}:{line} imports {target}"
        for module in modules
        for target, line in module.imports
        if matches(target) and not any(_is_within(module.name, home) for home in homes)
    ]


def import_cycles(modules: tuple[Module, ...]) -> list[str]:
    """Groups of modules that import each other, directly or by a detour."""
    graph = resolve(modules)
    reach = {name: _reachable(graph, name) for name in graph}
    groups = {
        tuple(sorted({name} | {other for other in reach[name] if name in reach[other]}))
        for name in graph
        if name in reach[name]
    }
    return [" <-> ".join(group) for group in groups]


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(graph[name])
    return seen

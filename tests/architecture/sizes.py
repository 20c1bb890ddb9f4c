"""How big things are, and the limits the house holds itself to."""

from statistics import median

from tests.architecture.source import Module

FUNCTION_MEDIAN_LINES = 10
FUNCTION_P95_LINES = 40
FUNCTION_MAX_LINES = 70
FILE_P95_LINES = 450
FILE_MAX_LINES = 600

Sizes = list[tuple[int, str]]


def function_sizes(modules: tuple[Module, ...]) -> Sizes:
    return [
        ((node.end_lineno or node.lineno) - node.lineno + 1, f"{module.name}:{node.lineno} {node.name}")
        for module in modules
        for node in module.functions()
    ]


def file_sizes(modules: tuple[Module, ...]) -> Sizes:
    return [(module.line_count, module.name) for module in modules]


def percentile_95(sizes: Sizes) -> int:
    ordered = sorted(lines for lines, _ in sizes)
    return ordered[int(len(ordered) * 95 / 100)] if ordered else 0


def median_lines(sizes: Sizes) -> float:
    return median(lines for lines, _ in sizes) if sizes else 0


def above(sizes: Sizes, limit: int) -> list[str]:
    return [f"{name}: {lines} lines, limit {limit}" for lines, name in sizes if lines > limit]

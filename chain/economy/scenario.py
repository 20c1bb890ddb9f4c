"""Scenario files: TOML in which amounts have units and shares are percentages, read into `app.messages.economy`."""

import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from app.messages.economy import DelegatorGroup, Scenario, TranscoderGroup
from app.messages.record import RecordError, from_json
from app.params import Params
from app.primitives.amounts import Lpt, Wei, format_lpt, parse_lpt, parse_wei
from app.primitives.fractions import Fraction, parse_fraction
from chain.economy.default import DEFAULT_SCENARIO
from chain.failures import UsageFailure

BLOCKS_OF_A_PLAYED_ROUND = 8
"""A played round needs so many blocks: its beginning, rewards, decisions, claims, challenges and verdicts."""
MOST_MEMBERS = 100_000

_PARSERS: dict[Any, Callable[[str], Any]] = {
    Lpt: lambda text: str(parse_lpt(text)),
    Wei: lambda text: str(parse_wei(text)),
    Fraction: parse_fraction,
}


class ScenarioWrong(UsageFailure):
    """A scenario that cannot be played; the text has a line for each problem, with the field's name."""

    def __init__(self, source: str, problems: list[str]) -> None:
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))
        self.problems = problems

    def details(self) -> dict[str, Any]:
        """The problems one by one."""
        return {"problems": self.problems}


def load_scenario(path: Path | None, params: Params) -> Scenario:
    """The scenario of a file, or the one that is built in.

    Raises:
        ScenarioWrong: the file cannot be read, is no TOML, or its fields cannot be meant.
    """
    source = "the built-in scenario" if path is None else str(path)
    try:
        text = DEFAULT_SCENARIO if path is None else path.read_text(encoding="utf-8")
        scenario = parse_scenario(tomllib.loads(text))
    except OSError as error:
        raise ScenarioWrong(source, [f"cannot be read: {error.strerror}"]) from None
    except RecordError as error:
        raise ScenarioWrong(source, list(error.problems)) from None
    except ValueError as error:
        raise ScenarioWrong(source, [f"is not TOML: {error}"]) from None
    problems = find_problems(scenario, params)
    if problems:
        raise ScenarioWrong(source, problems)
    return scenario


def parse_scenario(document: dict[str, Any]) -> Scenario:
    """A scenario from what TOML gives.

    Raises:
        RecordError: with every field that is missing, unknown or malformed.
    """
    problems: list[str] = []
    converted = _convert(Scenario, document, "", problems)
    try:
        scenario = from_json(Scenario, converted, "scenario")
    except RecordError as error:
        named = [problem.removeprefix("scenario.") for problem in error.problems]
        raise RecordError(*problems, *[each for each in named if not _is_told(each, problems)]) from None
    if problems:
        raise RecordError(*problems)
    return scenario


def find_problems(scenario: Scenario, params: Params) -> list[str]:
    """Everything about a well-formed scenario that cannot be played under these parameters."""
    found = [text for holds, text in _overall(scenario, params) if not holds]
    for place, transcoders in enumerate(scenario.transcoders):
        found += _problems_of_transcoders(f"transcoders[{place}]", transcoders, params)
    for place, delegators in enumerate(scenario.delegators):
        found += _problems_of_delegators(f"delegators[{place}]", delegators)
    return found


def _convert(cls: Any, value: Any, path: str, problems: list[str]) -> Any:
    """The same with amounts and shares as records have them; what cannot be read is told, and stays as it is."""
    if not isinstance(value, dict):
        return value
    hints = get_type_hints(cls)
    known = {field.name: hints[field.name] for field in fields(cls)}
    return {name: _convert_field(known.get(name), each, f"{path}{name}", problems) for name, each in value.items()}


def _convert_field(hint: Any, value: Any, path: str, problems: list[str]) -> Any:
    if isinstance(value, list):
        item = (get_args(hint) or (None,))[0]
        return [
            _convert(item, each, f"{path}[{place}].", problems) if item else each for place, each in enumerate(value)
        ]
    parse = _PARSERS.get(hint)
    if parse is None:
        return value
    try:
        return parse(value if isinstance(value, str) else str(value))
    except ValueError as error:
        problems.append(f"{path}: {error}")
        return value


def _is_told(problem: str, problems: list[str]) -> bool:
    return any(problem.partition(":")[0] == told.partition(":")[0] for told in problems)


def _overall(scenario: Scenario, params: Params) -> list[tuple[bool, str]]:
    names = [group.name for group in scenario.transcoders] + [group.name for group in scenario.delegators]
    members = sum(group.count * max(1, group.parts) for group in scenario.transcoders)
    members += sum(group.count for group in scenario.delegators)
    return [
        (bool(scenario.transcoders), "transcoders: at least one group is needed"),
        (len(set(names)) == len(names), "name: two groups have the same one"),
        (members <= MOST_MEMBERS, f"count: {members} members in all; at most {MOST_MEMBERS}"),
        (scenario.work_every > 0, "work_every: is 0; at least 1"),
        (
            0 < scenario.segments <= params.max_segments_per_claim,
            f"segments: is {scenario.segments}; 1 to {params.max_segments_per_claim} (max_segments_per_claim)",
        ),
        (scenario.price_per_segment > 0, "price_per_segment: is 0; at least 1 wei"),
        (
            params.round_length >= BLOCKS_OF_A_PLAYED_ROUND,
            f"the preset's round has {params.round_length} blocks; at least {BLOCKS_OF_A_PLAYED_ROUND} are needed",
        ),
    ]


def _problems_of_transcoders(path: str, group: TranscoderGroup, params: Params) -> list[str]:
    least = params.min_self_bond * group.parts
    checks = [
        (group.count > 0, f"{path}.count: is 0; at least 1"),
        (group.parts > 0, f"{path}.parts: is 0; at least 1"),
        (group.stake >= least, f"{path}.stake: is {format_lpt(group.stake)}; at least {format_lpt(least)}"),
        (group.slots > 0, f"{path}.slots: is 0; at least 1"),
    ]
    return [text for holds, text in checks if not holds]


def _problems_of_delegators(path: str, group: DelegatorGroup) -> list[str]:
    checks = [
        (group.count > 0, f"{path}.count: is 0; at least 1"),
        (group.wealth >= group.count, f"{path}.wealth: is {format_lpt(group.wealth)}, nothing for the poorest"),
        (group.review_rounds > 0, f"{path}.review_rounds: is 0; at least 1"),
        (group.least_yield <= group.most_yield, f"{path}.least_yield: is more than most_yield"),
    ]
    return [text for holds, text in checks if not holds]

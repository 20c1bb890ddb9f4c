"""Determinism bans, sizes, docstrings: what a reader and a validator can rely on in every file."""

from tests.architecture import sizes
from tests.architecture.bans import banned_in_app
from tests.architecture.docstrings import undocumented_in_app
from tests.architecture.source import report, source_modules


def test_app_has_no_float_clock_chance_environment_or_set_order():
    offenders = banned_in_app(source_modules())
    assert not offenders, report(offenders)


def test_every_public_thing_in_app_has_a_docstring():
    offenders = undocumented_in_app(source_modules())
    assert not offenders, report(offenders)


def test_no_function_is_longer_than_the_limit():
    offenders = sizes.above(sizes.function_sizes(source_modules()), sizes.FUNCTION_MAX_LINES)
    assert not offenders, report(offenders)


def test_functions_are_mostly_short():
    measured = sizes.function_sizes(source_modules())
    longest = sizes.above(measured, sizes.FUNCTION_P95_LINES)
    assert sizes.median_lines(measured) <= sizes.FUNCTION_MEDIAN_LINES
    assert sizes.percentile_95(measured) <= sizes.FUNCTION_P95_LINES, report(longest)


def test_no_file_is_longer_than_the_limit():
    offenders = sizes.above(sizes.file_sizes(source_modules()), sizes.FILE_MAX_LINES)
    assert not offenders, report(offenders)


def test_files_are_mostly_short():
    measured = sizes.file_sizes(source_modules())
    assert sizes.percentile_95(measured) <= sizes.FILE_P95_LINES, report(sizes.above(measured, sizes.FILE_P95_LINES))

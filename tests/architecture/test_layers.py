"""The dependencies of `architecture`: transcoder → chain → genesis → app, nothing points back."""

import pytest

from tests.architecture import layers
from tests.architecture.source import report, source_modules


def test_packages_depend_only_downwards_and_enter_app_by_its_three_doors():
    offenders = layers.crossed_packages(source_modules())
    assert not offenders, report(offenders)


def test_the_layers_inside_app_depend_only_downwards():
    offenders = layers.crossed_app_layers(source_modules())
    assert not offenders, report(offenders)


def test_every_module_of_app_belongs_to_a_layer():
    offenders = layers.modules_without_layer(source_modules())
    assert not offenders, report(offenders)


@pytest.mark.parametrize("library", sorted(layers.SINGLE_IMPORTERS))
def test_a_library_is_imported_only_where_it_is_wrapped(library):
    offenders = layers.foreign_importers(source_modules(), library)
    assert not offenders, report(offenders)


def test_no_modules_import_each_other():
    offenders = layers.import_cycles(source_modules())
    assert not offenders, report(offenders)

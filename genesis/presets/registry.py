"""The presets by name."""

from app.params import Params
from genesis.presets.localnet import LOCALNET
from genesis.presets.test import TEST
from genesis.presets.whitepaper import WHITEPAPER

PRESETS: dict[str, Params] = {"whitepaper": WHITEPAPER, "localnet": LOCALNET, "test": TEST}


def get_preset(name: str) -> Params:
    """The parameters of a preset.

    Raises:
        ValueError: no preset has that name; the text lists those there are.
    """
    if name not in PRESETS:
        raise ValueError(f"{name!r} is not a preset; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]

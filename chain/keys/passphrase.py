"""Where a passphrase comes from: a file, the environment, or a person at the terminal, in this order."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from chain.failures import UsageFailure
from chain.keys.keyring import PassphraseSource

ENVIRONMENT = "HEADWATER_PASSPHRASE"
Prompt = Callable[[str], str]


class PassphraseMissing(UsageFailure):
    """There is none, and nobody to ask."""


def passphrase_source(file: Path | None, prompt: Prompt, confirm: bool = False) -> PassphraseSource:
    """A source for Keyring: `file` if given, else $HEADWATER_PASSPHRASE, else `prompt` (twice with `confirm`).

    Only a line's end is cut off a file's text. Raises PassphraseMissing when the file cannot be read, when a person
    would have to be asked and there is no terminal, or when a new passphrase is empty or typed differently.
    """

    def source(name: str) -> str:
        if file is not None:
            return _checked(_from_file(file), confirm)
        if ENVIRONMENT in os.environ:
            return _checked(os.environ[ENVIRONMENT], confirm)
        return _ask(name, prompt, confirm)

    return source


def _from_file(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise PassphraseMissing(f"cannot read the passphrase file {file}: {why}") from error


def _ask(name: str, prompt: Prompt, confirm: bool) -> str:
    if not sys.stdin.isatty():
        raise PassphraseMissing(f"no terminal to ask for a passphrase: use --passphrase-file or {ENVIRONMENT}")
    typed = _checked(prompt(f"Passphrase for key {name}"), confirm)
    if confirm and prompt("The same again") != typed:
        raise PassphraseMissing("the two passphrases differ; nothing was stored")
    return typed


def _checked(passphrase: str, is_new: bool) -> str:
    if is_new and not passphrase:
        raise PassphraseMissing("an empty passphrase protects nothing; for a localnet use --unencrypted")
    return passphrase

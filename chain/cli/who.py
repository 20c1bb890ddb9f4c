"""Accounts as command lines name them: by address, or by the name of a key in the user's directory."""

from pathlib import Path

from app.primitives.address import Address, parse_address
from chain.failures import UsageFailure
from chain.keys.keyring import KeyMissing, KeyNameInvalid, Keyring


def resolve_account(text: str, home: Path) -> Address:
    """The address that `text` is, or that the key of this name has.

    Raises:
        UsageFailure: neither.
    """
    if text.startswith("0x"):
        try:
            return parse_address(text)
        except ValueError as error:
            raise UsageFailure(str(error)) from None
    try:
        return Keyring(home).show(text).address
    except (KeyMissing, KeyNameInvalid):
        known = ", ".join(entry.name for entry in Keyring(home).list()) or "none yet"
        raise UsageFailure(
            f"{text!r} is neither an address (0x…) nor a key in {home / 'keys'} ({known}); "
            "for another directory's keys give --home"
        ) from None


def choose_key(name: str | None, home: Path) -> str:
    """The key to sign with: the one named, or the only one there is.

    Raises:
        UsageFailure: there is none, or a choice is needed.
    """
    if name is not None:
        return name
    names = [entry.name for entry in Keyring(home).list()]
    if len(names) == 1:
        return names[0]
    if not names:
        raise UsageFailure(f"there is no key in {home / 'keys'}; make one with: headwater keys add NAME")
    raise UsageFailure(f"say with --from which key signs: {', '.join(names)}")

"""The engine and the genesis document must mean the same by a profile's id."""

from genesis.profiles import FIRST_PROFILES
from transcoder.media.profile import PROFILES


def test_every_profile_of_a_new_chain_is_the_engines_own_text():
    assert {item.profile_id: item.parameters for item in FIRST_PROFILES} == {
        profile_id: profile.canonical() for profile_id, profile in PROFILES.items()
    }

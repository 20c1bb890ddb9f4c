"""Places in the model: in the active set of a round, and in consensus (protocol.md, sections 4 and 6)."""

from app.primitives.address import Address
from tests.support.model.world import LPT, World


def leave(world: World, address: Address) -> None:
    """Take a transcoder out of the candidates, and out of the running round."""
    record = world.candidates[address]
    record.registered, record.left_height = False, world.height
    leave_seat(world, address)


def leave_seat(world: World, address: Address) -> None:
    """Take a transcoder out of the running round, and out of consensus."""
    seat = world.seats.get(address)
    if seat is not None and not seat.left:
        seat.left = True
        update_validators(world)


def update_validators(world: World) -> None:
    """Who was elected and has a key; where that is nobody those of the last set with a seat; never nobody."""
    seated = {address: seat for address, seat in world.seats.items() if not seat.left}
    elected = {
        world.candidates[address].key: (address, seat.stake // LPT)
        for address, seat in seated.items()
        if not seat.from_waitlist and seat.stake >= LPT and world.candidates[address].key
    }
    stayed = {
        world.candidates[operator].key: (operator, power)
        for operator, power in world.validators.values()
        if operator in seated
    }
    world.validators = elected or stayed or world.validators

"""Generations: one token, one Secret and one Receiver, named by one number.

The path of a Receiver is derived from its token, so a token that is changed in place cuts the
URL the forge still calls (measured: four of five deliveries lost around it). A rotation is
therefore a new generation beside the old one: plain creates first, plain deletes last, which no
engine setting can turn round. The number is the only thing of a program that a rotation changes.
"""

from collections.abc import Iterable


def generation_name(component: str, number: int) -> str:
    """Return the logical name of a generation's Receiver, from which its children derive."""
    return f"{component}-g{number}"


def declared(live: int, retained: Iterable[int]) -> list[int]:
    """Return all declared generations, ascending.

    Raises:
        ValueError: a number is below 1, listed twice, or `live` is listed as retained.
    """
    numbers = [live, *retained]
    for number in numbers:
        if number < 1:
            raise ValueError(f"{number} is not a generation: they count from 1")
    retained_numbers = numbers[1:]
    if live in retained_numbers:
        raise ValueError(f"{live} is the live generation; name only older ones to retain")
    if len(set(retained_numbers)) < len(retained_numbers):
        raise ValueError(f"{retained_numbers} names a generation twice")
    return sorted(numbers)

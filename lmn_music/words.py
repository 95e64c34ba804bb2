"""Words of messages: singular and plural."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    Args:
        number: how many.
        noun: the noun in the singular; its plural ends in "s".

    Example:
        >>> counted(1, "frame"), counted(3, "frame")
        ('1 frame', '3 frames')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"

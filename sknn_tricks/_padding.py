"""How wide feature axes are in a stack."""

WIDTH = 32


def padded(width: int) -> int:
    """Return the width of a feature axis in a stack.

    Examples
    --------
    >>> padded(1), padded(64), padded(65)
    (32, 64, 96)
    """
    return -(-width // WIDTH) * WIDTH

"""What writes and reads one kind of value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from sknn_tricks.saving._reader import Reader
    from sknn_tricks.saving._writer import Place, Writer


class Form:
    """Base of what writes and reads values of a kind.

    A subclass writes `fits`, `write` and `read`.

    Attributes
    ----------
    kind : str
        The name of the kind in the file.
    shared : bool
        Whether an object that is met twice is to be one object again.
    """

    kind: ClassVar[str]
    shared: ClassVar[bool] = False

    def fits(self, value: Any) -> bool:
        """Whether a value is of this kind."""
        raise NotImplementedError

    def write(self, writer: Writer, value: Any, place: Place) -> dict[str, Any]:
        """Return what to write, of plain values."""
        raise NotImplementedError

    def read(self, reader: Reader, node: dict[str, Any]) -> Any:
        """Return the value again.

        Any error that this raises means that the file is damaged.
        """
        raise NotImplementedError

"""The same as ``python -m sknn_tricks ui``."""

from __future__ import annotations

import argparse

from sknn_tricks.tracking import _ui


def main(arguments: list[str] | None = None) -> None:
    """Show the runs of the store in use."""
    parser = argparse.ArgumentParser(prog="python -m sknn_tricks.tracking", description=_ui.__doc__)
    _ui.add_options(parser)
    _ui.run(parser.parse_args(arguments))


if __name__ == "__main__":
    main()

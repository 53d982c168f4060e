"""The command line: ``python -m sknn_tricks ui`` shows the logged runs in MLflow."""

from __future__ import annotations

import argparse

from sknn_tricks.tracking import _ui


def main(arguments: list[str] | None = None) -> None:
    """Run a command."""
    parser = argparse.ArgumentParser(prog="python -m sknn_tricks", description=__doc__)
    commands = parser.add_subparsers(title="commands", metavar="command", required=True)
    ui = commands.add_parser("ui", help="show the logged runs in MLflow", description=_ui.__doc__)
    _ui.add_options(ui)
    ui.set_defaults(run=_ui.run)
    options = parser.parse_args(arguments)
    options.run(options)


if __name__ == "__main__":
    main()

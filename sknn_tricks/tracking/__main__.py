"""Serve the MLflow UI on the store in use: ``python -m sknn_tricks.tracking [--port 5000]``."""

from __future__ import annotations

import argparse
import os
import sys

from sknn_tricks.tracking._links import experiments_url, is_server
from sknn_tricks.tracking._store import find_store


def main() -> None:
    """Print the link and become MLflow's server, which listens on this machine only."""
    parser = argparse.ArgumentParser(prog="python -m sknn_tricks.tracking", description=__doc__)
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--tracking-uri", default=None, help="the store; default as in a fit")
    options = parser.parse_args()
    store = find_store(options.tracking_uri)
    if is_server(store.uri):
        print(f"The store is a server: open {experiments_url(store.uri)}")
        return
    if store.database is not None and not store.database.exists():
        sys.exit(f"There is no store at {store.database} yet. Log a fit first: `make demo` does.")
    print(f"Open {experiments_url(store.uri, options.port)} (Ctrl-C ends it)", flush=True)
    # Its job runner, for language models, would double the time to start.
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    # By the environment, since a URI may hold a password and everybody sees a command's words.
    os.environ["MLFLOW_BACKEND_STORE_URI"] = store.uri
    if store.artifacts is not None:
        os.environ["MLFLOW_DEFAULT_ARTIFACT_ROOT"] = store.artifacts
    options_of_ui = ["--host", "127.0.0.1", "--port", str(options.port), "--workers", "1"]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "ui", *options_of_ui])


if __name__ == "__main__":
    main()

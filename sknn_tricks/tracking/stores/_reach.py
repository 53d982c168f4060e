"""Whether a store is there at all, asked in a way that does not take minutes."""

from __future__ import annotations

import os
import socket
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from sknn_tricks.tracking.stores._links import is_server

_SECONDS_TO_CONNECT = 10
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}


class StoreAway(OSError):
    """A store that was there is not where it was."""


def check_network(uri: str) -> None:
    """Raise OSError if nobody listens at a store's address; MLflow would try for minutes.

    Parameters
    ----------
    uri : str
        A store. One that is a file, or behind a proxy, or at a local socket, passes.
    """
    if (address := _address(uri)) is not None:
        socket.create_connection(address, timeout=_SECONDS_TO_CONNECT).close()


def file_id(database: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from a later one of the same name, None if there is none."""
    if database is None:
        return None
    try:
        found = os.stat(database)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def check_file(database: Path | None, expected: tuple[int, int] | None) -> None:
    """Raise StoreAway if a database is no longer the file it was.

    SQLite goes on writing to a file that was deleted, and all of it would be lost in silence.
    """
    if file_id(database) != expected:
        raise StoreAway(f"{database} was moved or deleted")


def _address(uri: str) -> tuple[str, int] | None:
    scheme = uri.partition(":")[0].partition("+")[0]
    if is_server(uri):
        parts = urlsplit(uri)
        if parts.hostname is None or _has_proxy(scheme, parts.hostname):
            return None
        return parts.hostname, parts.port or _PORTS[scheme]
    if scheme in _PORTS:
        from sqlalchemy.engine import make_url

        url = make_url(uri)
        return (url.host, url.port or _PORTS[scheme]) if url.host else None
    return None


def _has_proxy(scheme: str, host: str) -> bool:
    return scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host)

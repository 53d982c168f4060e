"""One process at a time makes the tables of a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = 0x736B6E6E  # "sknn": one number for all who use this package with the database
_MILLISECONDS_TO_WAIT = 120_000


def is_postgres(uri: str) -> bool:
    """Tell whether a store is a PostgreSQL database, with whichever driver."""
    return uri.partition(":")[0].partition("+")[0] in ("postgres", "postgresql")


@contextmanager
def only_client(uri: str) -> Iterator[None]:
    """Keep other processes, on other machines too, from creating the tables at the same time.

    MLflow locks a file of this machine. The lock of the server is freed with its connection,
    so also when its holder is killed.

    Parameters
    ----------
    uri : str
        ``postgresql://user:password@host:port/database``.
    """
    import sqlalchemy
    from sqlalchemy.pool import NullPool

    # autocommit, since an open transaction would keep the server from tidying up meanwhile
    engine = sqlalchemy.create_engine(uri, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"SET lock_timeout = {_MILLISECONDS_TO_WAIT}"))
        connection.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({_LOCK})"))
        try:
            yield
        finally:
            connection.execute(sqlalchemy.text(f"SELECT pg_advisory_unlock({_LOCK})"))

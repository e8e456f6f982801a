"""The unit of work: opened by a route, a job or a command, and committed once by whoever opened it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session, scoped_session

from backend.extensions import db


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """A session whose changes are all kept when the block ends well, and none when it does not."""
    session: scoped_session[Session] = db.session  # type: ignore[assignment]  # flask-sqlalchemy's own subclass
    try:
        yield session()
        session.commit()
    except BaseException:
        session.rollback()
        raise

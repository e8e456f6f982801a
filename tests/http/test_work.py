"""A unit of work keeps all or nothing, also of the rows that are added to it and written at its end."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from backend.http.reading import row, rows
from backend.http.work import add, change, unit_of_work, write_added
from backend.people.tables import Department
from backend.territory.tables import AreaRevision

pytestmark = pytest.mark.sql


def department(code: str) -> dict[str, Any]:
    return {"code": code, "town_code": "440605121", "name": "镇环卫所"}


def enter(*departments: str, revision: int | None = None, fault: type[Exception] | None = None) -> None:
    """A unit of work that adds departments and perhaps a revision, and perhaps fails afterwards."""
    with unit_of_work() as session:
        if revision is not None:
            add(session, AreaRevision, {"id": revision, "revision": 1})
        for code in departments:
            add(session, Department, department(code))
        if fault is not None:
            raise fault


def codes() -> list[str]:
    return [found.code for found in rows(select(Department.code).order_by(Department.code))]


def test_rows_of_several_tables_are_there_after_the_commit(empty_app: Flask) -> None:
    with empty_app.app_context():
        with unit_of_work() as session:
            add(session, Department, department("water"))
            add(session, AreaRevision, {"id": 7, "revision": 1})
            assert codes() == []
        assert codes() == ["water"]
        assert row(select(AreaRevision.revision).where(AreaRevision.id == 7)) == (1,)


def test_several_rows_of_one_table_are_all_written(empty_app: Flask) -> None:
    with empty_app.app_context():
        enter("b", "c", "a")
        assert codes() == ["a", "b", "c"]


def test_a_fault_in_one_row_keeps_none_and_nothing_is_left_for_the_next_unit(empty_app: Flask) -> None:
    with empty_app.app_context():
        enter("water")
        with pytest.raises(IntegrityError):
            enter("water", revision=7)
        with pytest.raises(ZeroDivisionError):
            enter("never", fault=ZeroDivisionError)
        enter()
        assert codes() == ["water"]
        assert rows(select(AreaRevision.id).where(AreaRevision.id == 7)) == []


def test_who_has_to_read_the_rows_before_the_commit_has_them_written(empty_app: Flask) -> None:
    with empty_app.app_context(), unit_of_work() as session:
        add(session, Department, department("water"))
        write_added(session)
        assert session.scalar(select(func.count()).select_from(Department)) == 1


def rename(code: str, was: str, to: str) -> None:
    with unit_of_work() as session:
        add(session, AreaRevision, {"id": 7, "revision": 1})
        change(session, Department, {"code": code, "name": was}, {"name": to}, otherwise=LookupError(code))


def test_a_row_is_changed_with_what_tells_of_it_or_neither(empty_app: Flask) -> None:
    with empty_app.app_context():
        enter("water")
        with pytest.raises(LookupError):
            rename("water", was="another name", to="镇水务所")
        assert rows(select(AreaRevision.id).where(AreaRevision.id == 7)) == []
        rename("water", was="镇环卫所", to="镇水务所")
        assert [found.name for found in rows(select(Department.name))] == ["镇水务所"]
        assert row(select(AreaRevision.revision).where(AreaRevision.id == 7)) == (1,)


def rename_all(name: str, absent: str) -> None:
    """A unit of work that writes at once, and changes what is not there at its end."""
    with unit_of_work() as session:
        session.execute(update(Department).values(name=name))
        add(session, AreaRevision, {"id": 7, "revision": 1})
        change(session, Department, {"code": absent}, {"name": name}, otherwise=LookupError(absent))


def test_a_change_and_its_rows_are_kept_with_what_was_done_before_them(empty_app: Flask) -> None:
    with empty_app.app_context():
        enter("water")
        with pytest.raises(LookupError):
            rename_all("no name", absent="fire")
        assert [found.name for found in rows(select(Department.name))] == ["镇环卫所"]

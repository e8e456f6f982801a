"""Reports, and what can be kept or printed: figures, lists of cases, a case file."""

import uuid
from typing import Any, get_args

from flask import Response
from marshmallow import Schema, fields, validate

from backend.cases.listing import filters_of
from backend.cases.reports.case_file import record_printing, write_case_file
from backend.cases.reports.exporting import exported
from backend.cases.reports.figures import Asked, By
from backend.cases.reports.reports import BY, as_table, report
from backend.cases.schemas import CaseFilters
from backend.cases.viewing import read_case
from backend.cases.work_lists.saved_filters import saved_filters
from backend.config import TOWN_ZONE
from backend.http import clock
from backend.http.attachments import PAGE, TABLES, Format, attachment, table_file
from backend.http.blueprint import Room
from backend.http.ids import new_id
from backend.http.permission import permission
from backend.http.reading import answer
from backend.http.work import unit_of_work
from backend.ledger.record import record
from backend.people.access import Caller
from backend.people.caller import current_caller
from backend.territory.codes import AreaCode
from backend.territory.governance_model import ElementCode
from backend.territory.periods import PeriodNotBegun, read_period

room = Room(
    "reports", "Reports: figures by village, grid, category, element, department and month; files to keep and print"
)


class ReportQuery(Schema):
    """What a report is about."""

    by = fields.String(
        load_default="village",
        validate=validate.OneOf(get_args(By)),
        metadata={
            "description": "element: of the governance model. A case counts under each element that it is tagged with, "
            "one with two under both; the rows do not add up to the total, where each case counts once, tagged or not"
        },
    )
    period = fields.String(
        required=True, metadata={"description": "a month 2026-10, quarter 2026-Q3 or year 2026", "example": "2026-10"}
    )
    area = AreaCode(metadata={"description": "only cases in this town, village or grid"})
    element = ElementCode(
        metadata={"description": "only cases tagged with this element; for who reads all cases of the town"}
    )


class ReportFileQuery(ReportQuery):
    """The same as a file."""

    format = fields.String(load_default="xlsx", validate=validate.OneOf(get_args(Format)))


class FiguresSchema(Schema):
    """Figures; null where they are hidden (below five, or another with them so that subtraction brings none back) or
    where there is nothing to tell."""

    accepted = fields.Integer(required=True, allow_none=True, metadata={"description": "cases accepted"})
    closed = fields.Integer(required=True, allow_none=True, metadata={"description": "closings"})
    due = fields.Integer(required=True, allow_none=True, metadata={"description": "handling steps that were due"})
    on_time_share = fields.Float(
        required=True, allow_none=True, metadata={"description": "of these, handed in by then"}
    )
    handed_in = fields.Integer(required=True, allow_none=True, metadata={"description": "of these, handed in at all"})
    median_minutes = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "of these: open minutes, by the clock for urgent hours; nearest rank"},
    )
    p90_minutes = fields.Integer(required=True, allow_none=True, metadata={"description": "90th percentile, the same"})
    checks = fields.Integer(required=True, allow_none=True, metadata={"description": "looks at what was handed in"})
    rework_share = fields.Float(required=True, allow_none=True, metadata={"description": "of these, to be done again"})
    ratings = fields.Integer(required=True, allow_none=True, metadata={"description": "cases rated"})
    satisfaction = fields.Float(required=True, allow_none=True, metadata={"description": "mean of these, 1 to 5"})


class ReportGroupSchema(FiguresSchema):
    """The figures of a village, grid, category, element, department or month."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class ReportSchema(Schema):
    """A report."""

    period = fields.String(required=True)
    by = fields.String(required=True, validate=validate.OneOf(get_args(By)))
    area = fields.String(required=True, allow_none=True)
    element = fields.String(required=True, allow_none=True)
    counted_until = fields.AwareDateTime(required=True)
    items = fields.List(fields.Nested(ReportGroupSchema), required=True)
    total = fields.Nested(FiguresSchema, required=True)


class ExportQuery(CaseFilters):
    """Filters of the list, and the format of the file."""

    class Meta:
        exclude = ("mine",)

    saved = fields.UUID(metadata={"description": "a saved filter of mine; what is given beside it wins"})
    format = fields.String(load_default="xlsx", validate=validate.OneOf(get_args(Format)))


@room.get("/reports/cases")
@room.arguments(ReportQuery, location="query")
@room.response(200, ReportSchema)
@permission("read_figures")
def figures_of_cases(query: dict[str, Any]) -> Response:
    """Counts and times of the cases that the caller's roles reach, by village, grid, category, element, department
    or month; by element a case counts under each it is tagged with."""
    caller = current_caller()
    return answer(report(caller, _asked(caller, query)))


@room.get("/reports/cases/file")
@room.arguments(ReportFileQuery, location="query")
@room.response(200, TABLES, content_type="*/*")
@permission("read_figures")
def file_of_figures(query: dict[str, Any]) -> Response:
    """The same as CSV or XLSX, with Chinese headings."""
    caller = current_caller()
    told = report(caller, _asked(caller, query))
    only = f" 要素{told['element']}" if told["element"] else ""
    return table_file(query["format"], f"案件统计 {told['period']} 按{BY[told['by']]}{only}", as_table(told))


@room.get("/cases/file")
@room.arguments(ExportQuery, location="query")
@room.response(200, TABLES, content_type="*/*")
@permission("export_cases")
def file_of_cases(query: dict[str, Any]) -> Response:
    """The list of cases as CSV or XLSX: without persons, exact places and what redaction takes out of texts."""
    caller, now, form = current_caller(), clock.now(), query.pop("format")
    query.pop("crs")
    if "saved" in query:
        query = saved_filters(caller, query.pop("saved")) | query
    query = filters_of({name: value for name, value in query.items() if name != "mine"}, now)
    response = table_file(form, f"案件清单 {now:%Y-%m-%d %H%M}", exported(caller, query, now))
    with unit_of_work() as session:
        for town in caller.towns:
            told = {"filters": sorted(query), "format": form}  # not their values: a word may be somebody's name
            thing, account = ("export", str(new_id())), caller.account_id
            record(
                session,
                town=town,
                actor=account,
                action="export_cases",
                thing=thing,
                version=0,
                occurred_at=now,
                details=told,
            )
    return response


@room.get("/cases/<uuid:case_id>/file")
@room.response(200, PAGE, content_type="application/pdf")
@permission("read_case")
def case_file(case_id: uuid.UUID) -> Response:
    """A case on one page to print, as far as the caller sees it; never who reported it."""
    caller, now = current_caller(), clock.now()
    case, seen = read_case(caller, case_id)
    name = f"案件办理单 {case.number}"
    response = attachment("pdf", name, lambda path: write_case_file(path, caller, case, seen, now))
    with unit_of_work() as session:
        record_printing(session, caller, case, now)
    return response


def _asked(caller: Caller, query: dict[str, Any]) -> Asked:
    period, now = read_period(query["period"], TOWN_ZONE), clock.now()
    if not period.begun(now):
        raise PeriodNotBegun
    area = query.get("area")
    own = min(grant.area_code[:9] for grant, _ in caller.allowed("read_figures"))
    return Asked(area[:9] if area else own, period, query["by"], area, now, query.get("element"))

"""Which rooms the house has: their routes and commands, and what each publishes to the others."""

from flask import Flask

from backend.extensions import api, db
from backend.http.registry import Registry


def furnish(app: Flask, registry: Registry) -> None:
    """Register every room's routes with the app, its facts, layers and answers with the registry."""
    _open_rooms(app)
    _publish(registry)


def _open_rooms(app: Flask) -> None:
    from backend.cases.evidence_routes import room as case_evidence
    from backend.cases.links.related_routes import room as related
    from backend.cases.links.similar_routes import room as similar
    from backend.cases.protection.task_routes import room as tasks
    from backend.cases.public.public_routes import room as public_face
    from backend.cases.reporter.identity_routes import room as identities
    from backend.cases.reporter.without_account_routes import room as without_account
    from backend.cases.reports.report_routes import room as reports
    from backend.cases.routes import room as cases
    from backend.cases.rules.category_routes import room as categories
    from backend.cases.rules.governance_routes import room as governance
    from backend.cases.rules.rule_routes import room as rules
    from backend.cases.suggestions.suggestion_routes import room as suggestions
    from backend.cases.work_lists.work_list_routes import room as work_lists
    from backend.evidence.routes import room as evidence
    from backend.http.documentation import pages as documentation
    from backend.http.front_page import pages as front_page
    from backend.http.health import room as health
    from backend.outbox.notice_text_routes import room as notice_texts
    from backend.outbox.webhook_routes import room as webhooks
    from backend.partymap.bookings.booking_routes import room as bookings
    from backend.partymap.bookings.routes import room as shared_rooms
    from backend.partymap.events.routes import room as events
    from backend.partymap.exchange.exchange_routes import room as partymap_files
    from backend.partymap.finding_routes import room as partymap_finding
    from backend.partymap.layer_routes import room as map_layers
    from backend.partymap.routes import room as partymap
    from backend.partymap.to_do_routes import room as partymap_to_do
    from backend.people.account_routes import room as accounts
    from backend.people.audit_routes import room as audit
    from backend.people.department_routes import room as departments
    from backend.people.duty_routes import room as duty
    from backend.people.joining_routes import room as joining
    from backend.people.notice_routes import room as notices
    from backend.people.own_data_routes import room as own_data
    from backend.people.roster_routes import room as roster
    from backend.people.routes import room as people
    from backend.people.trust_routes import room as trust
    from backend.rewards.routes import room as rewards
    from backend.territory.keeping_routes import room as keeping
    from backend.territory.routes import room as territory

    rooms = (
        people,
        joining,
        own_data,
        notices,
        webhooks,
        notice_texts,
        trust,
        accounts,
        audit,
        departments,
        roster,
        duty,
        territory,
        keeping,
        cases,
        work_lists,
        similar,
        categories,
        suggestions,
        reports,
        identities,
        related,
        rules,
        tasks,
        case_evidence,
        public_face,
        governance,
        without_account,
        evidence,
        partymap,
        shared_rooms,
        bookings,
        events,
        map_layers,
        partymap_finding,
        partymap_files,
        partymap_to_do,
        rewards,
        health,
    )
    for room in rooms:
        api.register_blueprint(room)
    app.register_blueprint(documentation)
    app.register_blueprint(front_page)


def add_commands(app: Flask) -> None:
    """Register every room's commands with the app, and those of the migrations."""
    from flask_migrate import Migrate

    from backend.cases.commands import cases
    from backend.demonstration import demo
    from backend.doctor import doctor
    from backend.http.key_commands import keys
    from backend.ledger.commands import ledger
    from backend.outbox.commands import outbox
    from backend.partymap.commands import partymap
    from backend.people.commands import people
    from backend.rewards.commands import rewards
    from backend.territory.commands import territory

    for commands in (demo, people, territory, cases, partymap, rewards, ledger, keys, outbox):
        app.cli.add_command(commands)
    app.cli.add_command(doctor)
    Migrate(app, db, render_as_batch=True)


def _publish(registry: Registry) -> None:
    from backend.cases import facts as case_facts
    from backend.cases import layers as case_layers
    from backend.cases.evidence_sight import sees_evidence
    from backend.cases.handing_over import hand_over
    from backend.cases.links.supporting import who_joined
    from backend.cases.matters import names_of_matters
    from backend.cases.reporter import identity_tables as _identity_tables  # noqa: F401  # known to the migrations
    from backend.cases.reporter import own_reports
    from backend.cases.reporter.reporters import who_reported
    from backend.cases.reporter.without_account import holder_of
    from backend.cases.telling import people_of_case
    from backend.cases.telling_outside import told_outside
    from backend.cases.work_lists.saved_filter_tables import SavedFilter as _SavedFilter  # noqa: F401  # known to the migrations
    from backend.ledger import job_runs
    from backend.outbox import tables as _outbox_tables  # noqa: F401  # known to the migrations
    from backend.partymap import facts as partymap_facts
    from backend.partymap import in_charge
    from backend.partymap import layers as partymap_layers
    from backend.partymap.bookings import own_bookings
    from backend.partymap.events import facts as event_facts
    from backend.partymap.events import own_events
    from backend.people import layers as people_layers
    from backend.people import receipt_tables as _receipt_tables  # noqa: F401  # known to the migrations
    from backend.people import roster_tables as _roster_tables  # noqa: F401
    from backend.people.caller import who_may
    from backend.people.reaching import reach
    from backend.territory import layers as territory_layers
    from backend.territory import settings_tables as _settings_tables  # noqa: F401

    registry.publish(*case_facts.FACTS, *partymap_facts.FACTS, *event_facts.FACTS)
    registry.publish(*territory_layers.LAYERS, *people_layers.LAYERS)
    registry.publish(*partymap_layers.LAYERS, *case_layers.LAYERS)
    registry.answers["heartbeat"] = job_runs.heartbeat
    registry.answers["who_sees_evidence"] = sees_evidence
    registry.answers["who_may"] = who_may
    registry.each["data_of"] = (own_reports.data_of, in_charge.data_of, own_bookings.data_of, own_events.data_of)
    registry.each["forget_person"] = (
        own_reports.forget_person,
        in_charge.forget_person,
        own_bookings.forget_person,
        own_events.forget_person,
    )
    registry.answers["hand_over"] = hand_over
    registry.answers["who_reported"] = who_reported
    registry.answers["who_joined"] = who_joined
    registry.answers["names_of_matters"] = names_of_matters
    registry.answers["people_of_case"] = people_of_case
    registry.answers["told_outside"] = told_outside
    registry.answers["reach"] = reach
    registry.answers["holder_of_receipt"] = holder_of

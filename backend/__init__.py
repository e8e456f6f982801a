"""九江网格: grid-level governance for one town."""

from datetime import timedelta

from flask import Flask

from backend.config import Config, WrongSetting


def create_app(config: Config | None = None, *, commands: bool = True) -> Flask:
    """The application with every room's routes, commands, facts and layers, guarded by the access table.

    A web worker has no use for `commands`, nor for the migrations behind them, which take 8 MB.
    """
    from backend import extensions, rooms
    from backend.http import bodies, headers, identity_role, key_proofs, openapi, problems, reading, registry
    from backend.http.secrets import secret
    from backend.people import permissions
    from backend.territory.calendar import hours_of
    from backend.territory.quiet_hours import quiet_of

    config = config or Config()
    try:
        hours_of(config.WORKING_HOURS)
    except ValueError as error:
        raise WrongSetting("WORKING_HOURS", config.WORKING_HOURS, str(error)) from None
    try:
        quiet_of(config.QUIET_HOURS)
    except ValueError:
        raise WrongSetting("QUIET_HOURS", config.QUIET_HOURS, "hours as 22:00-07:00, or none") from None
    config.INSTANCE.mkdir(parents=True, exist_ok=True, mode=0o700)
    app = Flask(__name__, static_folder=None)
    app.ensure_sync = lambda func: func  # type: ignore[method-assign]  # none is async: no need to ask each
    app.config.update(
        TOWN_CONFIG=config,
        SQLALCHEMY_DATABASE_URI=config.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=extensions.engine_options(config.database_url),
        JWT_SECRET_KEY=secret(config.INSTANCE, "jwt"),
        JWT_ENCODE_ISSUER=config.TOWN,
        JWT_DECODE_ISSUER=config.TOWN,
        JWT_COOKIE_CSRF_PROTECT=False,
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(minutes=config.ACCESS_TOKEN_MINUTES),
        **openapi.SETTINGS,
    )
    openapi.init_json(app)
    extensions.db.init_app(app)
    extensions.jwt.init_app(app)
    with app.app_context():
        extensions.prepare_writing_engine(extensions.db.engine)
        proofs = key_proofs.known_proofs(extensions.db.engine)
    reading.init_reading(app, config.database_url, config.identity_database_url)
    key_proofs.init_keys(app, config, proofs)
    openapi.init_api(app, extensions.api)
    bodies.init_bodies(app, config.largest_bodies, config.PROXIES)
    rooms.furnish(app, registry.init_registry(app))
    with app.app_context():
        identity_role.require_identity_role(app, config, extensions.db.engine)
    if commands:
        rooms.add_commands(app)
    problems.init_problems(app)
    headers.init_headers(app)
    permissions.init_permissions(app)
    return app

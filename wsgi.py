"""The WSGI application: `granian --interface wsgi wsgi:app`, `flask --app wsgi …`."""

import os
import signal
import sys

# A web worker begins with its server's own way of taking signals, which here would only lose them.
if os.environ.get("FLASK_RUN_FROM_CLI") != "true":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

from backend import create_app
from backend.http.logs import log_as_json, log_requests
from backend.http.secrets import secret_of_day

command = os.environ.get("FLASK_RUN_FROM_CLI") == "true"
app = create_app(commands=command)

# A server, unlike a command, logs as JSON and must not show demo accounts to other machines.
if not command:
    log_as_json()
    log_requests(app, lambda day: secret_of_day(app.config["TOWN_CONFIG"].INSTANCE, "log", day))
    with app.app_context():
        from backend.http.key_proofs import keep_proofs
        from backend.people.accounts import exposed_demonstration
        from backend.people.commands import EXPOSED

        keep_proofs()
        host = app.config["TOWN_CONFIG"].HOST
        if exposed_demonstration(host):
            sys.exit(EXPOSED.format(host=host))

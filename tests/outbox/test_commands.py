"""Who runs the town sees what waits and what was given up, and sends it again."""

import json
import os
import subprocess
import sys
import tempfile
from datetime import timedelta

import time_machine
from flask import Flask

from backend.http import clock
from backend.http.work import unit_of_work
from backend.outbox.messages import post
from backend.outbox.sending import Message, Undeliverable, send_due


def run(app: Flask, *words: str) -> str:
    done = app.test_cli_runner().invoke(args=["outbox", *words])
    assert done.exit_code == 0, done.output
    return done.output


def refuse(_message: Message) -> None:
    raise Undeliverable


def test_what_waits_and_what_was_given_up_is_told_and_sent_again(empty_app: Flask) -> None:
    assert json.loads(run(empty_app, "status")) == {"oldest_unsent_seconds": 0.0, "given_up": 0}
    now = clock.now()
    with empty_app.app_context(), unit_of_work() as session:
        post(session, "sms", "+8613800000001", "case_update")
    with time_machine.travel(now + timedelta(minutes=2), tick=False):
        waited = json.loads(run(empty_app, "status"))["oldest_unsent_seconds"]
        assert 119 < waited <= 120
        with empty_app.app_context():
            send_due(refuse, clock.now())
        assert json.loads(run(empty_app, "status")) == {"oldest_unsent_seconds": 0.0, "given_up": 1}
        listed = json.loads(run(empty_app, "dead"))
        assert (listed["template"], listed["last_error"]) == ("case_update", "Undeliverable")
        assert "13800000001" not in run(empty_app, "dead")
        assert "1 messages" in run(empty_app, "retry", listed["id"])
        sent = list[Message]()
        with empty_app.app_context():
            send_due(sent.append, clock.now())
    assert [message.address for message in sent] == ["+8613800000001"]


def test_each_text_is_listed_with_the_sms_it_takes(empty_app: Flask) -> None:
    lines = [line.split("\t") for line in run(empty_app, "texts").splitlines()]
    assert ["case_update.zh", "1", "您反映的事项有新进展，请登录查看。"] in lines
    assert {parts for name, parts, _ in lines if name.endswith(".zh")} == {"1"}


def test_a_web_worker_loads_nothing_of_what_sends() -> None:
    wanted = ("urllib3", "smtplib", "backend.outbox.gateways", "backend.outbox.commands")
    program = "import sys; from backend import create_app; create_app(commands=False); print(*sys.modules)"
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"INSTANCE": folder}
        loaded = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert set(wanted) & set(loaded.stdout.split()) == set()

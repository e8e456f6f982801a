"""A process that shares out and sends until it is killed: `python -m tests.outbox.sending_worker GATEWAY`."""

import sys
import time
import urllib.request
from datetime import timedelta

from backend import create_app
from backend.http import clock
from backend.outbox import sending
from backend.outbox.sharing import share_out

CLAIM_SECONDS = 3


def main(gateway: str) -> None:
    """Never ends by itself. Claims run out fast here, so that killed ones are taken over while the test looks."""
    sending.CLAIM = timedelta(seconds=CLAIM_SECONDS)

    def send(message: sending.Message) -> None:
        request = urllib.request.Request(f"{gateway}/{message.id}", data=message.address.encode(), method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            answer.read()

    app = create_app()
    print("working", flush=True)
    while True:
        with app.app_context():
            done = share_out(("sms",), clock.now()) + sending.send_due(send, clock.now())
        if not done:
            time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1])

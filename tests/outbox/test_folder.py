"""The development sender's files are whole, private, and named by the message."""

import json
import stat
import uuid
from pathlib import Path

import pytest

from backend.outbox.folder import folder_sender
from backend.outbox.sending import Message

MESSAGE = Message(uuid.UUID("01930000-0000-7000-8000-000000000001"), "sms", "13800000001", "您反映的事项有新进展。")


def test_a_message_becomes_one_file_named_by_its_id(tmp_path: Path) -> None:
    folder = tmp_path / "instance" / "outbox"
    folder_sender(folder)(MESSAGE)
    (file,) = folder.iterdir()
    assert file.name == "01930000-0000-7000-8000-000000000001.json"
    assert json.loads(file.read_text("utf-8")) == {
        "id": "01930000-0000-7000-8000-000000000001",
        "channel": "sms",
        "address": "13800000001",
        "body": "您反映的事项有新进展。",
    }


def test_only_the_server_user_may_read_messages(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    folder_sender(folder)(MESSAGE)
    (file,) = folder.iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, file)] == [0o700, 0o600]


def test_sending_again_leaves_the_same_single_file(tmp_path: Path) -> None:
    send = folder_sender(tmp_path)
    send(MESSAGE)
    before = [(file.name, file.read_bytes()) for file in tmp_path.iterdir()]
    send(MESSAGE)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == before


def test_a_half_written_file_never_carries_a_message_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_content: object, **_options: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("orjson.dumps", full)  # the file is open by then
    with pytest.raises(OSError, match="No space"):
        folder_sender(tmp_path)(MESSAGE)
    assert list(tmp_path.glob("*.json")) == []
    monkeypatch.undo()
    folder_sender(tmp_path)(MESSAGE)
    assert [file.suffix for file in tmp_path.iterdir()] == [".json"]

import pytest

from backend.territory.decoding import UnreadableText, text_of


def test_a_file_as_saved_by_a_chinese_excel_is_read() -> None:
    assert text_of(bytes.fromhex("b1e0bac52cd0d5c3fb0d0a303537372cd5c5c8fd")) == "编号,姓名\r\n0577,张三"


def test_gbk_bytes_that_could_pass_as_utf8_at_a_glance_are_not_taken_for_it() -> None:
    assert text_of(bytes.fromhex("c1aacda8")) == "联通"


def test_byte_order_marks_are_understood_and_taken_off() -> None:
    assert text_of(b"\xef\xbb\xbf" + "编号,名称".encode()) == "编号,名称"
    assert text_of(b"\xff\xfe" + "编号\t名称".encode("utf-16-le")) == "编号\t名称"
    assert text_of(b"\xfe\xff" + "编号".encode("utf-16-be")) == "编号"


def test_gb18030_reaches_beyond_the_basic_plane() -> None:
    assert text_of("𡌴村".encode("gb18030")) == "𡌴村"


def test_bytes_that_are_no_text_are_refused() -> None:
    for raw in (b"\xff\xff\xff", b"\xef\xbb\xbf\xff", b"\xff\xfea"):
        with pytest.raises(UnreadableText):
            text_of(raw)

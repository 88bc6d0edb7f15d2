"""The log: one record a line, with its request, and nothing a client sent can fake a line."""

import io
import json
import logging

import pytest

from services.runtime.logs import request_id, set_up_logs


@pytest.fixture
def logged():
    root = logging.getLogger()
    before = root.handlers[:], root.level

    def log(form, write):
        stream = io.StringIO()
        set_up_logs(level="info", form=form, instance="one", stream=stream)
        write(logging.getLogger("services.test"))
        return stream.getvalue()

    yield log
    root.handlers[:], root.level = before


def test_a_json_record_is_one_line_with_its_fields(logged):
    token = request_id.set("r1")
    line = logged("json", lambda log: log.warning("two\nlines", extra={"messages": 3}))
    request_id.reset(token)
    assert line.count("\n") == 1
    record = json.loads(line)
    assert (record["message"], record["level"], record["messages"]) == ("two\nlines", "warning", 3)
    assert (record["instance"], record["request_id"]) == ("one", "r1")


def test_a_line_break_in_a_message_makes_no_second_line(logged):
    text = logged("text", lambda log: log.info("name %s", "x\n2026-01-01 ERROR forged\x1b[31m"))
    assert text.count("\n") == 1
    assert "\x1b" not in text


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_endless_request_id_does_not_fill_the_log(logged, form):
    token = request_id.set("x" * 100_000)
    line = logged(form, lambda log: log.info("short"))
    request_id.reset(token)
    assert len(line) < 500


def test_extra_fields_show_as_text(logged):
    assert "away waited=3\n" in logged("text", lambda log: log.info("away", extra={"waited": 3}))


def test_what_is_below_the_level_is_left_out(logged):
    assert logged("text", lambda log: log.debug("detail")) == ""


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_is_logged_with_its_traceback(logged, form):
    def write(log):
        try:
            raise ValueError("inner")
        except ValueError:
            log.exception("failed")

    assert "ValueError: inner" in logged(form, write)

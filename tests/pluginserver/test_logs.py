import logging

from kong_federation.pluginserver import logs


def fail():
    raise ValueError("two\nlines")


def test_one_thing_is_one_line(capsys):
    log = logging.getLogger("kong_federation.test")
    logs.configure("info")
    logs.name_process("worker-7")
    log.debug("not shown")
    log.warning("what a client\nsent: %s", "a\r\nerror: forged\u2028b")
    try:
        fail()
    except ValueError:
        log.exception("it failed")
    log.error("and again", exc_info=(None, None, None))
    lines = capsys.readouterr().err.split("\n")
    assert len(lines) == 4
    assert lines[0].startswith("warning worker-7[")
    assert lines[0].endswith("what a client | sent: a | error: forged | b")
    assert "]: it failed; ValueError: two | lines [test_logs.py:" in lines[1]

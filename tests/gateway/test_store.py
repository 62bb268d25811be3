"""The plan store: a file that is bounded, shared, and never believed without a check."""

import hashlib
import os
import sqlite3
import stat
from functools import partial
from pathlib import Path

import pytest

from kong_federation.gateway.builder import keeper, store
from kong_federation.gateway.builder.keeper import PatientStore
from kong_federation.gateway.builder.store import FILE_NAME, PlanStore
from kong_federation.gateway.messages import PlanJob, pack_operation, plan_digest, unpack_operation
from kong_federation.limits import Limits
from kong_federation.plan import Composite, Fetch, OperationKind, QueryPlan, encode_plan

MEGABYTE = 1_048_576
SPACE = b"s" * 32


def job(document, limits=None, labels=()):
    return PlanJob(document, None, frozenset(labels), limits or Limits())


def plan(document, padding=0):
    fetch = Fetch(id=0, subgraph="a", kind=OperationKind.QUERY, document=document + " " * padding)
    return encode_plan(QueryPlan(OperationKind.QUERY, "", fetch, Composite("Query", abstract=False, variants=())))


def keep(opened, document, padding=0):
    opened.keep(plan_digest(job(document)), pack_operation(job(document)), plan(document, padding))


def find(opened, document):
    return opened.find(plan_digest(job(document)))


def popular(opened, most=100, most_bytes=MEGABYTE):
    return [unpack_operation(operation).document for operation, _ in opened.popular(most, most_bytes)]


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "run" / "plans"


@pytest.fixture
def opened(directory, request):
    def open_store(max_bytes=MEGABYTE, space=SPACE):
        made = PlanStore(directory, max_bytes, space)
        request.addfinalizer(made.close)
        return made

    return open_store


@pytest.fixture
def filled(directory):
    """A store's file, closed, that holds the plan of `{ a }`."""
    made = PlanStore(directory, MEGABYTE, SPACE)
    keep(made, "{ a }")
    made.close()
    return directory / FILE_NAME


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        seconds = 1_800_000_000.0

        def time(self):
            return self.seconds

    made = Clock()
    monkeypatch.setattr(store, "time", made)
    return made


# --- What it keeps ---


def test_a_plan_comes_back_as_it_was_also_after_closing(opened, directory):
    first = PlanStore(directory, MEGABYTE, SPACE)
    keep(first, "{ a }")
    assert find(first, "{ a }") == plan("{ a }")
    assert find(first, "{ b }") is None
    first.close()
    assert find(opened(), "{ a }") == plan("{ a }")


def test_a_plan_of_another_supergraph_is_another(opened):
    one, other = opened(), opened(space=b"t" * 32)
    keep(one, "{ a }")
    assert find(other, "{ a }") is None
    keep(other, "{ a }", padding=1)
    assert find(one, "{ a }") == plan("{ a }")
    assert find(other, "{ a }") == plan("{ a }", padding=1)


def test_what_tells_plans_apart():
    digest = plan_digest(job("{ a }"))
    assert digest == plan_digest(job("{ a }", Limits(deadline=1, max_body_size=1, max_response_size=1)))
    others = [
        job("{ b }"),
        job("{ a }", labels=["l"]),
        PlanJob("{ a }", "A", frozenset(), Limits()),
        job("{ a }", Limits(max_tokens=10)),
        job("{ a }", Limits(max_depth=10)),
    ]
    assert len({digest, *map(plan_digest, others)}) == 1 + len(others)


def test_several_processes_share_a_file(opened):
    one, other = opened(), opened()
    keep(one, "{ a }")
    keep(other, "{ b }")
    assert find(other, "{ a }")
    assert find(one, "{ b }")


def test_only_its_owner_can_read_it(opened, directory):
    keep(opened(), "{ a }")
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()} == {0o600}
    assert FILE_NAME in {file.name for file in directory.iterdir()}


# --- What is used most ---


def test_the_most_used_come_first_and_old_uses_weigh_less(opened, clock):
    made = opened()
    for name in "dcba":
        keep(made, name)
        clock.seconds += 1
    made.count([(plan_digest(job("a")), 100), (plan_digest(job("b")), 3), (plan_digest(job("gone")), 9)])
    assert popular(made) == ["a", "b", "c", "d"]
    clock.seconds += 7 * 86_400
    made.count([(plan_digest(job("c")), 2), (plan_digest(job("d")), 5)])
    assert popular(made) == ["d", "c", "a", "b"]
    assert popular(made, most=2) == ["d", "c"]
    # One use, which was a week ago, weighs 1/128.
    assert [uses for _, uses in made.popular(4, MEGABYTE)] == [5, 2, 1, 0]


def test_a_day_halves_what_a_use_weighs():
    score, both = store._score, store._score_of_both
    assert score(2, 0) == pytest.approx(score(1, 86_400))
    assert both(score(3, 500), score(5, 500)) == pytest.approx(score(8, 500))
    assert both(score(1, 0), score(1, 1e9)) == both(score(1, 1e9), score(1, 0)) == pytest.approx(score(1, 1e9))


def test_the_list_is_bounded_in_bytes(opened, clock):
    made = opened()
    keep(made, "a" * 1_000)
    assert popular(made, most_bytes=500) == []
    assert len(popular(made, most_bytes=1_500)) == 1


def test_an_unknown_supergraph_is_told_the_operations_of_others(opened):
    one, other = opened(), opened(space=b"t" * 32)
    for made in (one, opened(space=b"u" * 32)):
        keep(made, "{ a }")
    assert popular(other) == ["{ a }"]
    keep(other, "{ b }")
    assert popular(other) == ["{ b }"]


# --- Bounds ---


def test_the_file_is_bounded_and_what_is_used_least_goes_first(opened, directory, clock):
    made = opened()
    keep(made, "popular")
    made.count([(plan_digest(job("popular")), 1_000)])
    for number in range(1_000):
        clock.seconds += 1
        keep(made, f"{{ a{number} }}", padding=4_000)
        assert made.used_bytes() <= MEGABYTE
    made._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert (directory / FILE_NAME).stat().st_size <= MEGABYTE
    assert find(made, "popular")
    assert find(made, "{ a999 }")
    assert find(made, "{ a0 }") is None
    assert sum(1 for number in range(1_000) if find(made, f"{{ a{number} }}")) > 100


def test_one_plan_cannot_push_out_all_others(opened):
    made = opened()
    keep(made, "{ a }")
    keep(made, "{ b }", padding=MEGABYTE // 4)
    assert find(made, "{ a }")
    assert find(made, "{ b }") is None


def test_a_file_that_is_larger_than_now_allowed_is_made_smaller(opened, directory):
    large = PlanStore(directory, 4 * MEGABYTE, SPACE)
    for number in range(500):
        keep(large, f"{{ a{number} }}", padding=4_000)
    assert large.used_bytes() > 2 * MEGABYTE
    large.close()
    small = opened()
    assert small.used_bytes() <= MEGABYTE
    small._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert (directory / FILE_NAME).stat().st_size <= MEGABYTE


def test_a_full_disk_costs_only_what_is_not_kept(opened, caplog):
    made = opened()
    for number in range(80):
        keep(made, f"{{ a{number} }}", padding=3_000)
    # Nothing may grow, and what is given up is on its way out only after the write.
    made._connection.execute(f"PRAGMA max_page_count = {made._pragma('page_count')}")
    made._give_up_some = lambda: False
    patient = PatientStore(lambda: made)
    for _ in range(5):
        patient.attempt(PlanStore.keep, b"d" * 32, b"o", plan("{ b }", padding=8_000))
    assert patient.attempt(PlanStore.find, b"d" * 32) is None
    assert patient.attempt(PlanStore.find, plan_digest(job("{ a79 }"))) == plan("{ a79 }", padding=3_000)
    assert caplog.text.count("full") == 1


def test_a_full_file_makes_room(opened):
    made = opened()
    for number in range(80):
        keep(made, f"{{ a{number} }}", padding=3_000)
    made._connection.execute(f"PRAGMA max_page_count = {made._pragma('page_count')}")
    keep(made, "{ b }", padding=8_000)
    assert find(made, "{ b }")


# --- What is not believed ---


@pytest.mark.parametrize(
    "change",
    [
        "content = randomblob(length(content))",
        "content = substr(content, 2)",
        "content = 'text'",
        "content = NULL || ''",
        "operation = operation || x'00'",
        "checksum = zeroblob(16)",
        "checksum = 0",
    ],
)
def test_a_row_that_was_changed_is_not_found_and_goes(opened, filled, change):
    other = sqlite3.connect(filled, isolation_level=None)
    other.execute(f"UPDATE plan SET {change}" if "NULL" not in change else "UPDATE plan SET content = x''")
    made = opened()
    assert find(made, "{ a }") is None
    assert other.execute("SELECT count(*) FROM plan").fetchone() == (0,)
    other.close()


def test_a_plan_that_cannot_be_decoded_is_not_found_whatever_its_checksum(opened):
    made = opened()
    made.keep(b"d" * 32, b"o", b"\x92\x63\x90")
    assert made.find(b"d" * 32) is None


def test_operations_that_cannot_be_read_are_left_out(opened, clock):
    made = opened()
    for number, operation in enumerate(
        (b"\xc1", b"\x90", b"\x93\x01\xc0\x90", b"\x93\xa1a\xc0\xa1b", b"\x93\xa1a\x01\x90")
    ):
        made.keep(bytes([number]) * 32, operation, plan("{ a }"))
    keep(made, "{ a }")
    made._connection.execute("INSERT INTO plan VALUES (?, ?, 'text', x'', x'', 1e3)", (SPACE, b"x" * 32))
    assert popular(made) == ["{ a }"]


@pytest.mark.parametrize("score", ["'abc'", "x'6162'", "9e999", "-9e999"])
def test_a_score_that_was_changed_does_not_last(directory, clock, score):
    patient = PatientStore(partial(PlanStore, directory, MEGABYTE, SPACE))
    patient.attempt(PlanStore.keep, plan_digest(job("{ a }")), pack_operation(job("{ a }")), plan("{ a }"))
    patient._store._connection.execute(f"UPDATE plan SET score = {score}")
    patient.attempt(PlanStore.popular, 10, MEGABYTE)
    patient.attempt(PlanStore.keep, plan_digest(job("{ b }")), pack_operation(job("{ b }")), plan("{ b }"))
    assert pack_operation(job("{ b }")) in dict(patient.attempt(PlanStore.popular, 10, MEGABYTE))
    patient.close()


def _random_bytes(file):
    file.write_bytes(hashlib.shake_256(b"seed").digest(file.stat().st_size))


def _not_a_database(file):
    file.write_text("plans\n" * 1_000)


def _half(file):
    os.truncate(file, file.stat().st_size // 2)


def _header_only(file):
    os.truncate(file, 100)


def _statement(*statements):
    def change(file):
        with sqlite3.connect(file, isolation_level=None) as connection:
            for statement in statements:
                connection.execute(statement)
        connection.close()

    return change


def _somebody_elses(file):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(file, 12_345, 12_345)


def _a_link(file):
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


FOREIGN = {
    "random bytes": _random_bytes,
    "text": _not_a_database,
    "half": _half,
    "header only": _header_only,
    "application": _statement("PRAGMA application_id = 1"),
    "version": _statement("PRAGMA user_version = 99"),
    "more tables": _statement("CREATE TABLE other (a)"),
    "a trigger": _statement("CREATE TRIGGER t AFTER DELETE ON plan BEGIN DELETE FROM plan; END"),
    "other columns": _statement("ALTER TABLE plan RENAME COLUMN content TO other"),
    "no table": _statement("DROP TABLE plan"),
    "others may read": lambda file: file.chmod(0o644),
    "others may write": lambda file: file.chmod(0o622),
    "somebody else's": _somebody_elses,
    "a link": _a_link,
}


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_file_that_is_not_ours_is_set_aside(opened, filled, directory, change):
    change(filled)
    made = opened()
    keep(made, "{ b }")
    assert find(made, "{ a }") is None
    assert find(made, "{ b }")
    assert (directory / f"{FILE_NAME}.rejected").exists()


def test_only_the_last_rejected_file_is_kept(opened, filled, directory):
    for _ in range(3):
        _not_a_database(filled)
        PlanStore(directory, MEGABYTE, SPACE).close()
    assert [file.name for file in directory.iterdir() if "rejected" in file.name] == [f"{FILE_NAME}.rejected"]


def test_a_file_is_not_set_aside_while_others_have_it_open(opened, filled, directory):
    made = opened()
    filled.chmod(0o644)
    with pytest.raises(OSError, match=r"unavailable|block"):
        opened()
    assert filled.exists()
    assert find(made, "{ a }")


def test_a_file_that_is_damaged_while_it_is_open_begins_anew(directory, caplog):
    patient = PatientStore(partial(PlanStore, directory, MEGABYTE, SPACE))
    for number in range(50):
        document = f"{{ a{number} }}"
        patient.attempt(PlanStore.keep, plan_digest(job(document)), pack_operation(job(document)), plan(document, 500))
    patient._store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    file = directory / FILE_NAME
    with file.open("r+b") as open_file:
        open_file.seek(4096)
        open_file.write(os.urandom(file.stat().st_size - 4096))
    # Another connection's change makes SQLite read the pages anew.
    patient._store._connection.execute("PRAGMA shrink_memory")
    for number in range(50):
        patient.attempt(PlanStore.find, plan_digest(job(f"{{ a{number} }}")))
    assert "is damaged and begins anew" in caplog.text
    patient.attempt(PlanStore.keep, plan_digest(job("{ b }")), b"o", plan("{ b }"))
    assert patient.attempt(PlanStore.find, plan_digest(job("{ b }"))) == plan("{ b }")
    patient.close()


def test_another_version_of_the_codec_is_another_file(filled, directory, monkeypatch):
    monkeypatch.setattr(store, "FILE_NAME", "plans-1.9999.sqlite")
    other = PlanStore(directory, MEGABYTE, SPACE)
    assert find(other, "{ a }") is None
    other.close()
    assert filled.exists()


def test_files_of_other_versions_go_when_nobody_uses_them(filled, directory, monkeypatch):
    monkeypatch.setattr(store, "FILE_NAME", "plans-1.9999.sqlite")
    user = store._open_users(filled)
    os.utime(filled, (1, 1))
    PlanStore(directory, MEGABYTE, SPACE).close()
    assert filled.exists()
    os.close(user)
    PlanStore(directory, MEGABYTE, SPACE).close()
    left = {file.name for file in directory.iterdir()}
    assert left == {"plans-1.9999.sqlite", "plans-1.9999.sqlite.users"}


# --- Where it cannot be used ---


def test_a_directory_that_others_can_write_to_is_not_used(directory):
    directory.mkdir(parents=True)
    directory.chmod(0o777)
    with pytest.raises(PermissionError):
        PlanStore(directory, MEGABYTE, SPACE)


def test_a_store_that_cannot_be_opened_is_tried_again_after_a_while(caplog):
    seconds, tries = [0.0], []

    def open_store():
        tries.append(seconds[0])
        raise OSError("Read-only file system")

    patient = PatientStore(open_store, lambda: seconds[0])
    for _ in range(5):
        assert patient.attempt(PlanStore.find, b"") is None
    seconds[0] += keeper._PAUSE_SECONDS + 1
    assert patient.attempt(PlanStore.find, b"") is None
    assert tries == [0.0, keeper._PAUSE_SECONDS + 1]
    assert caplog.text.count("Read-only file system") == 1
    patient.close()


def test_a_file_that_cannot_be_written_still_answers(opened, filled, caplog):
    made = opened()
    made._connection.execute("PRAGMA query_only = ON")
    patient = PatientStore(lambda: made)
    for _ in range(3):
        assert patient.attempt(PlanStore.keep, b"d" * 32, b"o", plan("{ b }")) is None
    assert patient.attempt(PlanStore.find, plan_digest(job("{ a }"))) == plan("{ a }")
    assert caplog.text.count("cannot be used at the moment") == 1


def test_what_nobody_has_written_is_damage_too(filled, directory, caplog):
    made = PlanStore(directory, MEGABYTE, SPACE)
    patient = PatientStore(lambda: made)
    made._connection.execute("UPDATE plan SET score = 'abc'")
    assert patient.attempt(PlanStore.popular, 10, MEGABYTE) is None
    assert "the plan store is damaged and begins anew" in caplog.text


def test_a_path_that_is_no_directory_is_lived_without(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "plans", Path("/proc/nothing")):
        assert not PatientStore(partial(PlanStore, place, MEGABYTE, SPACE)).open()
    assert caplog.text.count("there is no plan store") == 3


def test_a_store_that_others_keep_busy_costs_an_answer_only(opened, filled):
    made = opened()
    other = sqlite3.connect(filled, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    patient = PatientStore(lambda: made)
    assert patient.attempt(PlanStore.keep, b"d" * 32, b"o", plan("{ b }")) is None
    # Readers do not wait for writers.
    assert patient.attempt(PlanStore.find, plan_digest(job("{ a }"))) == plan("{ a }")
    other.execute("ROLLBACK")
    other.close()
    patient.attempt(PlanStore.keep, b"d" * 32, b"o", plan("{ b }"))
    assert patient.attempt(PlanStore.find, b"d" * 32) == plan("{ b }")

"""The committer beside others: a second one, PyIceberg appending, expiring, rewriting, dropping, renaming."""

import os
import random
import signal
import subprocess
import time

import peers

import committer
from committer import House


def two_committers_and_pyiceberg_make_a_right_table(folder):
    house = House(folder, 300)
    print(committer.run_beside(house, 6, 0.2, 0.7))


def a_committer_that_is_killed_goes_on_where_the_table_says(folder):
    house = House(folder, 120)
    random.seed(11)
    process = house.start(pace_ms=15)
    for _ in range(12):
        time.sleep(random.uniform(0.05, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        process = house.start(pace_ms=15)
    house.finish(process)
    house.check()


def stopped(house, *says):
    """The committer stops, and says why."""
    process = house.start()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1, f"it did not stop: {out}{err}"
    for part in says:
        assert part in err, f"{err!r} does not say {part!r}"


def a_table_that_pyiceberg_dropped_or_renamed_stops_it(folder):
    house = House(folder, 20)
    catalog = house.catalog()
    process = house.start(pace_ms=100)
    time.sleep(1)
    catalog.rename_table("db.t", "db.elsewhere")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "db.t is gone (dropped or renamed), and the commit log has files for it" in err, out + err
    catalog.rename_table("db.elsewhere", "db.t")  # the remedy that it names
    house.finish(house.start())
    house.check()

    house = House(f"{folder}/second", 20)
    process = house.start(pace_ms=100)
    time.sleep(1)
    location = house.table().metadata_location
    house.catalog().drop_table("db.t")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "db.t is gone" in err, out + err
    house.catalog().register_table("db.t", location)
    house.finish(house.start())
    house.check()


def a_table_that_was_replaced_stops_it(folder):
    house = House(folder, 20)
    process = house.start(pace_ms=100)
    time.sleep(1)
    catalog, schema = house.catalog(), house.table().schema()
    catalog.drop_table("db.t")
    catalog.create_table("db.t", schema)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "db.t is another table now (UUID" in err and house.uuid in err, out + err
    assert "set the new one's property firn.positions." in err, err


def rewrites_by_pyiceberg_are_left_as_they_are(folder):
    """An overwrite drops our summary key from the head, a delete rewrites files: nothing comes back, nothing is lost."""
    house = House(folder, 60)
    from pyiceberg.expressions import EqualTo, LessThan

    process = house.start(pace_ms=50)
    gone = set()
    time.sleep(0.7)
    for row in (3, 17):
        while row not in house.ids():
            time.sleep(0.05)
        retry(lambda: house.table().delete(EqualTo("id", row)))
        gone.add(row)
        time.sleep(0.3)
    retry(lambda: house.table().overwrite(house.arrow([10**9]), overwrite_filter=LessThan("id", 10)))
    gone |= set(range(10))
    retry(lambda: remove_positions(house))
    house.finish(process)
    ids = house.ids()
    assert len(ids) == len(set(ids)), "rows are there twice"
    assert set(ids) == set(range(60 * committer.ROWS)) - gone | {10**9}, sorted(set(range(60 * committer.ROWS)) - gone - set(ids))[:5]


def remove_positions(house):
    table = house.table()
    keys = [k for k in table.properties if k.startswith("firn.positions.")]
    with table.transaction() as t:
        t.remove_properties(*keys)


def retry(change):
    from pyiceberg.exceptions import CommitFailedException, ValidationException

    for _ in range(100):
        try:
            return change()
        except (CommitFailedException, ValidationException):  # somebody was faster
            time.sleep(0.05)
        except Exception as failure:
            if "locked" not in str(failure):
                raise
    raise AssertionError("it lost every race")


def schemas_and_specs_that_pyiceberg_changes_are_lived_with(folder):
    house = House(folder, 40)
    from pyiceberg.transforms import BucketTransform
    from pyiceberg.types import StringType

    process = house.start(pace_ms=50)
    time.sleep(0.5)

    def widen():
        with house.table().update_schema() as update:
            update.add_column("more", StringType())

    def repartition():
        with house.table().update_spec() as update:
            update.add_field("id", BucketTransform(4), "id_bucket")

    retry(widen)
    time.sleep(0.5)
    retry(repartition)
    house.finish(process)
    metadata = house.check()
    assert len(metadata.schemas) == 2 and len(metadata.partition_specs) == 2


def a_catalog_that_is_locked_is_waited_for(folder):
    """A transaction of somebody's that holds the catalog for some seconds."""
    import sqlite3

    house = House(folder, 30)
    process = house.start(pace_ms=30)
    time.sleep(0.4)
    db = sqlite3.connect(f"{folder}/catalog.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    time.sleep(7)
    db.execute("ROLLBACK")
    db.close()
    house.finish(process)
    house.check()


def its_expiry_leaves_what_pyiceberg_reads(folder):
    """Branches and tags that PyIceberg made stay readable when the committer has expired all around them."""
    house = House(folder, 200)
    process = house.start(pace_ms=20, age_ms=1)
    pinned = []
    for i in range(4):
        time.sleep(0.6)

        def pin():
            table = house.table()
            head = table.metadata.current_snapshot_id
            if i % 2:
                table.manage_snapshots().create_tag(head, f"pin-{i}").commit()
            else:
                table.manage_snapshots().create_branch(head, f"pin-{i}").commit()
            return head, len(table.scan(snapshot_id=head).to_arrow())

        pinned.append(retry(pin))
    house.finish(process)
    again = subprocess.run(house.words("log", 0, 1), capture_output=True, text=True, timeout=60)
    assert again.returncode == 0, again.stderr
    table = house.table()
    for snapshot_id, n_rows in pinned:
        assert len(table.scan(snapshot_id=snapshot_id).to_arrow()) == n_rows, "a pinned snapshot cannot be read"
    ids = house.ids()
    assert sorted(ids) == list(range(200 * committer.ROWS)), "rows are missing or doubled"


if __name__ == "__main__":
    peers.run(
        two_committers_and_pyiceberg_make_a_right_table,
        a_committer_that_is_killed_goes_on_where_the_table_says,
        a_table_that_pyiceberg_dropped_or_renamed_stops_it,
        a_table_that_was_replaced_stops_it,
        rewrites_by_pyiceberg_are_left_as_they_are,
        schemas_and_specs_that_pyiceberg_changes_are_lived_with,
        a_catalog_that_is_locked_is_waited_for,
        its_expiry_leaves_what_pyiceberg_reads,
    )

"""Every way to name a place: relative, with dots, as a URI, with odd characters; and each finds the same table again."""

import json
import os

import peers

EVENT = json.dumps({"id": "1", "source": "s", "type": "t", "specversion": "1.0", "subject": "a", "time": "2025-06-15T12:00:00Z", "data": 1}).encode()


def ingested(cwd, namespace, **how):
    words = [word for name, value in how.items() if name != "env" for word in (f"--{name}", value)]
    peers.firn("ingest", f"{namespace}.valid", *words, cwd=cwd, stdin=EVENT, env=how.get("env"))
    (shown,) = peers.firn_json("table", "show", f"{namespace}.valid", "--format", "json", cwd=cwd)
    return shown["metadata"]["location"].removeprefix("file://")


def a_warehouse_may_be_named_in_many_ways(folder):
    """Paths with dots were refused, file:/x made a folder called "file:", an empty name meant the working directory."""
    here = os.path.realpath(os.path.join(folder, "a b%20c", "ü"))
    os.makedirs(here)
    up = os.path.dirname(here)
    ways = {"rel/wh": f"{here}/rel/wh", "../out/": f"{up}/out", "./x/./y/../z": f"{here}/x/z", f"file:{here}/bare": f"{here}/bare",
            f"file://{here}/uri": f"{here}/uri", f"{here}//twice": f"{here}/twice", "": f"{here}/firn-data/warehouse"}
    for i, (given, wanted) in enumerate(ways.items()):
        assert ingested(here, f"n{i}", warehouse=given) == f"{wanted}/n{i}/valid", given
        assert os.path.isdir(f"{wanted}/n{i}/valid/metadata"), given
    assert ingested(here, "unset", env={"FIRN_WAREHOUSE": "", "FIRN_CATALOG": ""}) == f"{here}/firn-data/warehouse/unset/valid"


def a_table_is_found_by_any_path_to_it(folder):
    here = os.path.realpath(os.path.join(folder, "down"))
    os.makedirs(here)
    place = ingested(here, "n")
    inside = os.path.relpath(place, here)
    (metadata,) = [f for f in os.listdir(f"{place}/metadata") if f.startswith("00001")]
    for path in (f"./{inside}", f"{inside}///", f"../down/{inside}/", f"./x/../{inside}", place, f"{place}//", f"file:{place}", f"file://{place}/",
                 f"../down/{inside}/metadata/{metadata}"):
        assert len(peers.firn_json("table", "cat", path, cwd=here)) == 1, path
    moved = os.path.join(folder, "moved % to")
    os.rename(place, moved)
    assert len(peers.firn_json("table", "cat", "../moved % to", cwd=here)) == 1
    with open(f"{moved}/metadata/{metadata}", "r+", encoding="utf-8") as f:
        known = json.load(f)
        known["location"] += "/"  # its files were no longer found below it
        f.seek(0)
        json.dump(known, f)
    assert len(peers.firn_json("table", "cat", "../moved % to", cwd=here)) == 1


def tables_are_created_and_registered_by_relative_paths(folder):
    """They were handed on as they were given and refused."""
    here = os.path.realpath(os.path.join(folder, "down"))
    os.makedirs(here)
    place = ingested(here, "n")
    metadata = max(os.listdir(f"{place}/metadata"), key=lambda name: (name.endswith(".json"), name))
    peers.firn("table", "register", "r.again", os.path.relpath(f"{place}/metadata/{metadata}", here), cwd=here)
    assert len(peers.firn_json("table", "cat", "r.again", cwd=here)) == 1
    schema = json.dumps({"type": "struct", "fields": [{"id": 1, "name": "a", "required": False, "type": "long"}]}).encode()
    peers.firn("table", "create", "r.new", "--schema", "-", "--location", "../elsewhere/new/", cwd=here, stdin=schema)
    (shown,) = peers.firn_json("table", "show", "r.new", "--format", "json", cwd=here)
    assert shown["metadata"]["location"] == os.path.join(os.path.dirname(here), "elsewhere/new"), shown["metadata"]["location"]


peers.run(a_warehouse_may_be_named_in_many_ways, a_table_is_found_by_any_path_to_it, tables_are_created_and_registered_by_relative_paths)

#!/usr/bin/env bash
# ./quickstart on a tree where nothing was built: it ends well, shows what it promises, and may be run again without doubling.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cd "$root"
git ls-files -co --exclude-standard -z | tar --null -T - -cf - | tar -xf - -C "$folder"
cd "$folder"

./quickstart </dev/null >first.txt
for wanted in 'firn table show cloudevent.valid' 'firn table snapshots cloudevent.valid' 'firn parquet cat --limit 1' 'What to try next'; do
  grep -qF -- "$wanted" first.txt || { cat first.txt; echo "quickstart did not show: $wanted"; exit 1; }
done

count() { build/firn table cat "cloudevent.$1" --format json | wc -l; }
[ "$(count valid) $(count partial) $(count dead_letter)" = "195 4 1" ] || { cat first.txt; echo "not 195, 4 and 1 rows"; exit 1; }

./quickstart </dev/null >second.txt
[ "$(count valid)" = 195 ] || { cat second.txt; echo "a second quickstart changed the table"; exit 1; }

# What it shows as one row of the Parquet file is one JSON object.
build/firn parquet cat --limit 1 "$(find firn-data/warehouse/cloudevent/valid -name '*.parquet' | sort | head -n 1)" | python3 -c '
import json, sys
(line,) = sys.stdin.read().splitlines()
row = json.loads(line)
assert row["specversion"] == "1.0" and row["subject"].startswith("station/"), row'
echo "quickstart: 195 valid, 4 partial, 1 dead letter"

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
for wanted in 'firn is at http://127.0.0.1:' '{"accepted":200}' 'firn table snapshots cloudevent.valid' '/v1/events/latest?subject=' 'firn up has ended, status 0' 'What to try next'; do
  grep -qF -- "$wanted" first.txt || { cat first.txt; echo "quickstart did not show: $wanted"; exit 1; }
done

count() { build/firn table cat "cloudevent.$1" --format json | wc -l; }
[ "$(count valid) $(count partial) $(count dead_letter)" = "195 4 1" ] || { cat first.txt; echo "not 195, 4 and 1 rows"; exit 1; }

./quickstart </dev/null >second.txt
[ "$(count valid)" = 195 ] || { cat second.txt; echo "a second quickstart changed the table"; exit 1; }

# What it shows as one payload is the newest of that station, as it was posted.
payload=$(grep -A1 -F '/v1/events/latest?subject=' first.txt | tail -n 1)
grep -qF -- "$payload" examples/events.ndjson || { echo "this is not what was posted: $payload"; exit 1; }
echo "quickstart: 195 valid, 4 partial, 1 dead letter"

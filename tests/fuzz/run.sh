#!/bin/bash
# run.sh BUILD SECONDS: every fuzz target for that long, starting from its corpus; what it finds goes to BUILD/findings.
set -euo pipefail
build="$1" seconds="$2"
work="$build/fuzz/work"
mkdir -p "$build/findings"
for list in "$build"/fuzz/*_fuzz; do
    [[ -f $list ]] || { echo "no fuzz targets are built in $build" >&2; exit 1; }
    name=$(basename "$list")
    mkdir -p "$work/$name"
    printf '== %s, %s s\n' "$name" "$seconds"
    if ! "$build/bin/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$build/findings/$name-" "$work/$name" "$(< "$list")" > "$work/$name.log" 2>&1; then
        tail -40 "$work/$name.log"
        echo "$name found something: $build/findings" >&2
        exit 1
    fi
    grep -E 'number_of_executed_units|new_units_added' "$work/$name.log"
done

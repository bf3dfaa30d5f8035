#!/bin/bash
# Prints the result of the tool beside it (built by the target benchmarks).
set -euo pipefail
exec "$SALLYPORT_BIN/bench_watching"

#!/usr/bin/env bash
# CPU per request of Sluice against nginx and HAProxy, as a Markdown table. Options: bench/compare.py --help
set -euo pipefail
cd "$(dirname "$0")/.."
source .ci/packages.sh

need build bench
if [ ! -x build/sluice ]; then
  cmake -S . -B build -DCMAKE_BUILD_TYPE=Release -DSLUICE_TESTS=OFF >&2
fi
cmake --build build --target sluice -j "$(nproc)" >&2
exec /usr/bin/python3 -B bench/compare.py "$@"

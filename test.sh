#!/usr/bin/env bash
# Installs what is missing, builds a Release with its tests into build/, and runs them all.
# Arguments go to ctest: ./test.sh -L unit
set -euo pipefail
cd "$(dirname "$0")"
source .ci/packages.sh

need build tests
build_sluice build -DSLUICE_TESTS=ON
ctest --test-dir build --output-on-failure -j2 "$@"

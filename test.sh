#!/usr/bin/env bash
# Installs what is missing, builds a Release with its tests into build/, and runs them all.
# Arguments go to ctest: ./test.sh -L unit
# SLUICE_WERROR=1 makes warnings errors; tests/check_all.sh runs what takes longer.
set -euo pipefail
cd "$(dirname "$0")"
source .ci/packages.sh

need build tests
build_sluice build -DSLUICE_TESTS=ON ${SLUICE_WERROR:+-DSLUICE_WERROR=ON}
ctest --test-dir build --output-on-failure -j2 "$@"

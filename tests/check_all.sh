#!/usr/bin/env bash
# Runs every check there is, or the named ones, and ends with a table. About an hour for all on two cores.
#
#   release   g++, warnings are errors, and the whole suite
#   clang     clang++, warnings are errors, and the units
#   asan      address and undefined-behaviour sanitizers: the whole suite
#   tsan      thread sanitizer: the suite but for the schedules of faults
#   tidy      clang-tidy (.clang-tidy: a short list, all fatal) over src/ and tests/
#   soak      ten minutes of mixed load and faults
#   fuzz      tests/fuzz/run.sh, and
#   mutants   tests/mutants/run.sh, where they are
#
# The units include the drawing of the folders and that every header compiles alone.
# The exit status is 0 if all passed. JOBS=1 keeps one processor free. Logs are in build-checks/.
set -uo pipefail
cd "$(dirname "$0")/.."
source .ci/packages.sh

ALL=(release clang asan tsan tidy soak)
for extra in fuzz mutants; do [ -x tests/$extra/run.sh ] && ALL+=($extra); done
JOBS=${JOBS:-$(nproc)}
LOGS=build-checks

# build DIRECTORY [cmake options]
build() {
  local directory=$1
  shift
  cmake -B "$directory" "$@" && cmake --build "$directory" -j "$JOBS"
}
suite() { ctest --test-dir "$1" --output-on-failure -j "$JOBS" "${@:2}"; }
# Debian names it with and without its version.
newest() { compgen -c "$1" | grep -Ex "${1//+/\\+}(-[0-9]+)?" | sort -V | tail -n 1; }

check_release() { build build-release --preset release -DSLUICE_WERROR=ON && suite build-release; }
check_clang() {
  build build-clang -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$(newest clang++)" -DSLUICE_WERROR=ON &&
    suite build-clang -L unit
}
check_asan() { build build-asan --preset asan && suite build-asan; }
# The schedules of faults run on one thread, where there is nothing for it to see.
check_tsan() { build build-tsan --preset tsan && suite build-tsan -E '^faults/'; }
check_tidy() {
  # What it needs is the list of compile commands; a precompiled header of another compiler would be in its way.
  cmake -B build-tidy -DCMAKE_CXX_COMPILER="$(newest clang++)" -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON &&
    "$(newest run-clang-tidy)" -p build-tidy -quiet -j "$JOBS" "^$PWD/(src|tests)/.*"
}
check_fuzz() { tests/fuzz/run.sh; }
check_mutants() { tests/mutants/run.sh; }
check_soak() {
  build build-release --preset release -DSLUICE_WERROR=ON &&
    SLUICE_BIN=$PWD/build-release/sluice /usr/bin/python3 -B tests/soak/run.py 600
}

main() {
  [ $# -gt 0 ] || set -- "${ALL[@]}"
  for name in "$@"; do
    declare -F "check_$name" >/dev/null || { echo "no such check: $name (there are: ${ALL[*]})" >&2; exit 2; }
  done
  need build tests checks || exit 1
  mkdir -p $LOGS

  local name began result rows=() failed=0
  for name in "$@"; do
    echo "== $name" >&2
    began=$SECONDS
    if "check_$name" >"$LOGS/$name.log" 2>&1; then
      result=passed
    else
      result=FAILED failed=1
      tail -n 40 "$LOGS/$name.log" >&2
    fi
    rows+=("| $name | $result | $((SECONDS - began)) |")
  done
  printf '%s\n' '| check | result | seconds |' '|---|---|--:|' "${rows[@]}"
  return $failed
}
# In one line, so that nothing of a file that changes meanwhile is read.
main "$@"; exit

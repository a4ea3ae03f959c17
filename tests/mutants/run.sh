#!/usr/bin/env bash
# Puts known bugs back, one at a time, and wants the tests that are named for each to go red.
#
#   tests/mutants/run.sh              all of them
#   tests/mutants/run.sh NAME ...     some
#   tests/mutants/run.sh --applies    only whether each patch still fits the code (in the suite)
#
# Works on a copy of the tree in build/mutants. Each patch begins with what the bug does and the tests that kill it,
# a regular expression for ctest -R.
set -euo pipefail
cd "$(dirname "$0")/../.."

applies_only=
[ "${1:-}" = --applies ] && applies_only=1 && shift
mutants=()
for name in "$@"; do mutants+=("tests/mutants/$name.patch"); done
[ ${#mutants[@]} -gt 0 ] || mutants=(tests/mutants/*.patch)

if [ -n "$applies_only" ]; then
  for mutant in "${mutants[@]}"; do
    grep -q "mutants/$(basename "$mutant"))" tests/README.md || { echo "$mutant is missing in tests/README.md"; exit 1; }
    git apply --check "$mutant" || { echo "$mutant no longer applies: make it anew, or say why the bug can't come back"; exit 1; }
  done
  echo "${#mutants[@]} mutants apply"
  exit 0
fi

work=build/mutants
rm -rf $work/tree
mkdir -p $work/tree
git ls-files -z | xargs -0 cp --parents -t $work/tree 2>/dev/null || true # a file removed and not yet committed
cmake -S $work/tree -B $work/build -DCMAKE_BUILD_TYPE=Release -DSLUICE_TESTS=ON >$work/configure.log
build() { cmake --build $work/build -j "$(nproc)" --target sluice sluice_tests sluice_faults >$work/build.log 2>&1; }
build || { tail -20 $work/build.log; exit 1; }
# Red has to mean the mutant: the same tests are green without one.
ctest --test-dir $work/build -R '^(unit|faults/.*)$' -j "$(nproc)" >$work/test.log 2>&1 || { tail -20 $work/test.log; exit 1; }

survivors=0
printf '%-34s %-24s %s\n' mutant "killed by" result
for mutant in "${mutants[@]}"; do
  killers=$(sed -n 's/^Killed by: //p' "$mutant")
  patch -s -d $work/tree -p1 <"$mutant"
  if ! build; then
    result="DOES NOT BUILD (see $work/build.log)"
    survivors=$((survivors + 1))
  elif ctest --test-dir $work/build -R "^($killers)\$" --timeout 120 >$work/test.log 2>&1; then
    result=SURVIVES
    survivors=$((survivors + 1))
  else
    result=killed
  fi
  patch -s -R -d $work/tree -p1 <"$mutant"
  printf '%-34s %-24s %s\n' "$(basename "$mutant" .patch)" "$killers" "$result"
done
[ $survivors = 0 ] || { echo "$survivors mutants are not killed"; exit 1; }
echo "all ${#mutants[@]} mutants are killed"

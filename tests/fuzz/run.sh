#!/usr/bin/env bash
# Fuzzes for long, and keeps what it learns in build/fuzz/corpus.
#
#   tests/fuzz/run.sh [SECONDS [TARGET...]]     600 seconds for each target
#
# Ends with a table, and with 1 when something broke: then with the commands that replay it.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-600}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(request response chunked config fields session log kafka)
here=build/fuzz
cmake --build build --target libfuzzer || { echo "no fuzzers: see what cmake -S . -B build says of them" >&2; exit 2; }

table=$(printf '%-9s %12s %7s %8s %8s' target executions edges corpus crashes)
replays=()
for target in "${targets[@]}"; do
  corpus=$here/corpus/$target log=$here/$target.log found=$here/found/$target
  mkdir -p "$corpus" "$found"
  echo "$target for $seconds seconds: $log"
  # A crash ends the run; the other targets are still worth theirs.
  $here/"$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 \
    -dict=tests/fuzz/"$target".dict -artifact_prefix="$found/" "$corpus" tests/fuzz/seeds/"$target" 2>"$log" || true
  # Only what adds coverage is worth keeping.
  rm -rf "$corpus.merged" && mkdir "$corpus.merged"
  if $here/"$target" -merge=1 "$corpus.merged" tests/fuzz/seeds/"$target" "$corpus" 2>>"$log"; then
    rm -rf "$corpus" && mv "$corpus.merged" "$corpus"
  fi
  crashes=$(find "$found" -type f | sort)
  for crash in $crashes; do replays+=("$here/$target $crash"); done
  table+=$'\n'$(printf '%-9s %12s %7s %8s %8s' "$target" \
    "$(sed -n 's/^stat::number_of_executed_units: //p' "$log" | head -1)" \
    "$(grep -o 'cov: [0-9]*' "$log" | cut -d' ' -f2 | sort -n | tail -1)" \
    "$(find "$corpus" -type f | wc -l)" "$(wc -w <<<"$crashes")")
done

echo "$table"
[ ${#replays[@]} -eq 0 ] && exit 0
printf '\nreplay with\n'
printf '  %s\n' "${replays[@]}"
exit 1

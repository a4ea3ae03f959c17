#!/usr/bin/env bash
# A guided tour on a bare Debian 12 or 13: installs what is missing, builds, starts a real nginx as the origin and
# Sluice on conf/quickstart.json, and shows for each request which path its bytes took, and why.
#
#   ./quickstart.sh          the tour, then stays up until Ctrl-C
#   ./quickstart.sh --once   the tour, then stops; exits 0 when every stop was as it should be
#
# All files are below build/, and both programs are stopped however this ends.
set -euo pipefail
cd "$(dirname "$0")"
source .ci/packages.sh

once=
case ${1-} in
  "") ;;
  --once) once=1 ;;
  *) echo "usage: ./quickstart.sh [--once]" >&2 && exit 2 ;;
esac

bold= dim= green= plain=
if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' plain=$'\e[0m'; fi
home=build/quickstart www=build/quickstart/www work=build/quickstart/work topics=build/quickstart/topics
kafka=127.0.0.1:7083
sluice= nginx= reader=

say() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
fail() {
  printf '\nquickstart: %s\n' "$1" >&2
  exit 1
}
alive() { kill -0 "$1" 2>/dev/null; }

# SIGTERM, and after two seconds once more: Sluice then gives up what still runs, nginx has long gone.
stop() {
  [ -n "$1" ] || return 0
  kill "$1" 2>/dev/null || return 0
  for _ in $(seq 20); do alive "$1" || break; sleep 0.1; done
  kill "$1" 2>/dev/null || true
  for _ in $(seq 20); do alive "$1" || break; sleep 0.1; done
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
finish() {
  trap '' INT TERM
  stop "$reader"
  stop "$sluice"
  stop "$nginx"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
wait_for_port() {  # port, pid, what, its messages
  for _ in $(seq 100); do
    answers "$1" && return
    alive "$2" || break
    sleep 0.1
  done
  cat "$4" >&2
  fail "$3 does not answer on 127.0.0.1:$1"
}

# --- build and start -----------------------------------------------------------------------------------------

need build tour || fail "could not install what is missing"
mkdir -p "$www" "$work" "$topics"

say "Building Sluice (a minute or two the first time)"
options=()
# A build that already has its tests keeps them.
[ -e build/CMakeCache.txt ] || options=(-DSLUICE_TESTS=OFF)
if ! { cmake -S . -B build -DCMAKE_BUILD_TYPE=Release "${options[@]}" &&
  cmake --build build --target sluice -j "$(nproc)"; } >"$home/build.log" 2>&1; then
  tail -n 40 "$home/build.log" >&2
  fail "the build failed; all of it is in $home/build.log"
fi
build/sluice version | sed 's/^/  /'

for port in 7080 7081 7082 7083 7090; do
  if answers $port; then fail "127.0.0.1:$port is in use; stop what listens there and try again"; fi
done

for size in 1K 64K 1M 100M; do
  [ -e "$www/$size.bin" ] || head -c "$size" /dev/urandom >"$www/$size.bin"
done
(cd "$www" && sha256sum [0-9]*.bin) >"$work/sums"

user=
[ "$(id -u)" != 0 ] || user="user root root;"  # else its workers could not read this folder
cat >"$work/nginx.conf" <<CONF
$user daemon off; worker_processes 1; pid nginx.pid; error_log nginx.log warn;
events { worker_connections 512; }
http {
  access_log off; sendfile on; default_type application/octet-stream;
  client_body_temp_path nginx-body; proxy_temp_path nginx-proxy; fastcgi_temp_path nginx-fastcgi;
  uwsgi_temp_path nginx-uwsgi; scgi_temp_path nginx-scgi;
  server {
    listen 127.0.0.1:7090;
    root $PWD/$www;
    # Server-side includes have no length beforehand, so these answers are chunked.
    location /chunked/ { alias $PWD/$www/; ssi on; ssi_types *; }
  }
}
CONF
PATH=$PATH:/usr/sbin:/sbin nginx -p "$PWD/$work" -c nginx.conf -e nginx.log 2>"$work/nginx.out" &
nginx=$!
wait_for_port 7090 $nginx nginx "$work/nginx.out"

rm -rf "$topics"/access-0 "$topics"/greetings-0  # of an earlier tour
build/sluice run conf/quickstart.json 2>"$home/sluice.log" &
sluice=$!
wait_for_port 7080 $sluice Sluice "$home/sluice.log"
wait_for_port 7081 $sluice "Sluice's TCP listener" "$home/sluice.log"
wait_for_port 7082 $sluice "Sluice's HTTPS listener" "$home/sluice.log"
wait_for_port 7083 $sluice "Sluice's Kafka listener" "$home/sluice.log"
say "Sluice is up before a real nginx"
sed 's/^/  /' "$home/sluice.log"

# --- the tour ------------------------------------------------------------------------------------------------

# All values of a topic; the access log is one.
topic() { timeout 20 kcat -q -X fetch.wait.max.ms=10 -b $kafka -C -t "$1" -o beginning -e; }

# The log entry of the last exchange that fits, as soon as it is written.
logged() {  # a pattern
  local line
  for _ in $(seq 50); do
    line=$(topic access 2>/dev/null | grep -E "$1" | tail -n 1) || line=
    [ -z "$line" ] || break
    sleep 0.1
  done
  [ -n "$line" ] || fail "no access log entry with $1"
  printf '%s\n' "$line"
}
member() { /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1], ""))' "$1"; }

way_of() { logged "$1" | /usr/bin/python3 -c 'import json, sys; e = json.load(sys.stdin); print(e["path"] + ": " + e["why"])'; }

# visit TITLE URL FILE WAY [curl options]: GETs it, compares the body, and shows the way its bytes took, which must
# be WAY.
visit() {
  local title=$1 url=$2 file=$3 way=$4 took
  shift 4
  curl "$@" -sS --max-time 60 -D "$work/head" -o "$work/body" "$url" || fail "curl $url"
  [ "$(sha256sum <"$work/body" | cut -d' ' -f1)" = "${sum[$file]}" ] || fail "$url: the body is not $file"
  took=$(tr -d '\r' <"$work/head" | sed -n 's/^[Ss]erver-[Tt]iming: .*sluice;desc="\([^"]*\)".*/\1/p')
  # What can't be known when the head is written stands in the log: a TCP connection's way, and that of chunks yet to come.
  case $took in
    "") took=$(way_of '"protocol":"tcp".*"bytes_out":1048[0-9]{5},') ;;
    *"chunk by chunk") took=$(way_of "\"target\":\"/${url#*://*/}\"") ;;
  esac
  printf '  %-34s %s%-26s%s %s%s%s\n' "$title" "$bold" "$took" "$plain" "$dim" "sha256 ${sum[$file]:0:12} ok" "$plain"
  case $took in "$way"*) ;; *) fail "$url went by '$took', expected '$way'" ;; esac
}
declare -A sum
while read -r digest name; do
  sum[$name]=$digest
done <"$work/sums"

say "Which path do the bytes take?"
proxy=http://127.0.0.1:7080
# Where the kernel has TLS, the bytes stay with it even when they are encrypted.
encrypted=buffered
build/sluice version | grep -q '^kernel TLS no:' || encrypted=s  # splice or sendfile
visit "proxied, 1 KiB" "$proxy/1K.bin" 1K.bin buffered
visit "proxied, 64 KiB" "$proxy/64K.bin" 64K.bin splice
visit "proxied, 100 MiB" "$proxy/100M.bin" 100M.bin splice
visit "proxied, 1 MiB in chunks" "$proxy/chunked/1M.bin" 1M.bin splice
visit "a file of its own, 1 KiB" "$proxy/files/1K.bin" 1K.bin buffered
visit "a file of its own, 100 MiB" "$proxy/files/100M.bin" 100M.bin sendfile
visit "through the TCP listener, 100 MiB" "http://127.0.0.1:7081/100M.bin" 100M.bin splice

say "Encrypted, with a certificate made at start"
tls=https://127.0.0.1:7082
visit "HTTPS, HTTP/1.1, 1 MiB proxied" "$tls/1M.bin" 1M.bin "$encrypted" --insecure --http1.1
visit "HTTPS, HTTP/2, a 100 MiB file" "$tls/files/100M.bin" 100M.bin "$encrypted" --insecure --http2
visit "HTTP/2 in clear text, 100 MiB" "$proxy/100M.bin" 100M.bin splice --http2-prior-knowledge
head -c 1M /dev/zero | tr '\0' 'a' >"$www/a.txt"
sum[a.txt]=$(sha256sum <"$www/a.txt" | cut -d' ' -f1)
visit "1 MiB of text, compressed" "$proxy/files/a.txt" a.txt "buffered: transformed" --compressed

say "The same in the access log, which is a topic: kcat -b $kafka -C -t access"
printf '  %s%s%s\n' "$dim" "$(logged '"target":"/100M\.bin"')" "$plain"

say "A body that ends early is never taken for whole"
cp "$www/1M.bin" "$www/shrinks.bin"
truncate -s 256M "$www/shrinks.bin"
rm -f "$work/cut"
curl -s --max-time 60 --limit-rate 20M -o "$work/cut" "$proxy/files/shrinks.bin" &
reader=$!
for _ in $(seq 50); do [ -s "$work/cut" ] && break; sleep 0.1; done
truncate -s 1K "$www/shrinks.bin"
result=0
wait $reader || result=$?
reader=
rm -f "$www/shrinks.bin"
[ $result != 0 ] || fail "curl took a cut body for whole"
printf '  the file shrank under way: curl says %s, the log says %s\n' "$result" \
  "$(logged '"target":"/files/shrinks.bin"' | member end)"

say "Kafka's clients read topics from their segment files"
kcat -q -u -b $kafka -C -t access -p 0 -o end >"$work/followed" &
reader=$!
# It hears of those that come when it has found the log's end.
for _ in $(seq 50); do
  curl -sS --max-time 10 -o /dev/null "$proxy/1K.bin?followed" || fail "curl $proxy/1K.bin?followed"
  sleep 0.1
  grep -q '"target":"/1K.bin?followed"' "$work/followed" && break
done
kill $reader 2>/dev/null || true
wait $reader 2>/dev/null || true
reader=
printf '  kcat followed the access log, and saw a GET of %s\n' "$(grep -m 1 -F followed "$work/followed" | member target)"
seq -f 'greeting %g' 100000 >"$work/greetings"
build/sluice log append "$topics" greetings --codec zstd <"$work/greetings" 2>"$work/appended" || fail "$(cat "$work/appended")"
for _ in $(seq 50); do topic greetings >"$work/read" 2>/dev/null && break; sleep 0.1; done
cmp "$work/read" "$work/greetings" || fail "the topic greetings is not what was appended"
printf '  sluice log append: %s\n' "$(tail -n 1 "$work/appended")"
printf '  kcat -C -t greetings -o beginning -e: %s records, sha256 %s ok\n' "$(wc -l <"$work/read")" "$(sha256sum <"$work/read" | head -c 12)"

say "What was counted"
curl -sS --max-time 10 "$proxy/status" -o "$work/status" || fail "curl $proxy/status"
/usr/bin/python3 - "$work/status" <<'PYTHON' || fail "the counters are not right"
import json, sys
counters = json.load(open(sys.argv[1]))["counters"]
for name in ("requests", "bytes_by_path_buffered", "bytes_by_path_splice", "bytes_by_path_sendfile", "pipes_in_use", "ledger_violations"):
    print(f"  {name:24} {counters[name]:>12}")
sys.exit(counters["ledger_violations"] != 0)
PYTHON

[ -z "$once" ] || { say "${green}All as it should be.${plain}"; exit 0; }

say "It stays up until Ctrl-C. Try:"
cat <<TEXT
  curl -sD- -o/dev/null $proxy/100M.bin         proxied to nginx
  curl -sD- -o/dev/null $proxy/files/1M.bin     a file of $www
  curl -s $proxy/status                         the counters
  curl -s http://127.0.0.1:7081/1K.bin | wc -c                  through the TCP listener
  curl -sk --http2 https://127.0.0.1:7082/files/1K.bin | wc -c  encrypted
  kcat -q -b $kafka -C -t access -o -5                            the access log, live
  date | build/sluice log append $topics greetings     a record; kcat -b $kafka -C -t greetings -o -1
TEXT
trap 'printf "\n"; exit 0' INT TERM
wait $sluice || true
fail "Sluice has ended: $(tail -n 5 "$home/sluice.log")"

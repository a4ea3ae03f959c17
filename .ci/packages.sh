# Sourced by the start scripts: installs what is missing on Debian 12 and 13, and nothing when all is there.
#
#   need build tests    the compiler and libraries; what the tests drive
#   need browser        a browser for e2e/http2_clients, 100 MB to fetch; its test says so when there is none
#   need interop        Java, Maven and npm: tests/interop fetches Apache Kafka and clients with them, and says so when it can't
#   need tour           what quickstart.sh drives
#   need bench          the proxies that bench/run measures
#   need checks         the second compiler and the static checks of tests/check_all.sh
#
# Installing a server must not start it on this machine: no policy of the machine's own is touched, and ours is
# taken away again.

packages_of() {
  case $1 in
    build)
      echo g++ cmake make pkg-config libevent-dev libspdlog-dev nlohmann-json3-dev libcli11-dev \
        libssl-dev libnghttp2-dev zlib1g-dev libbrotli-dev libzstd-dev liblz4-dev libsnappy-dev libsqlite3-dev
      ;;
    tests) echo ccache catch2 python3 nginx haproxy curl wrk iperf3 util-linux iproute2 clang libclang-rt-dev faketime nodejs strace \
        openssl qemu-system-x86 busybox-static nghttp2-client nghttp2-server python3-h2 python3-hpack python3-grpcio brotli zstd \
        kcat python3-kafka ;;
    browser) echo chromium-headless-shell ;;
    interop) echo default-jdk-headless maven nodejs npm ;;
    tour) echo nginx curl kcat python3 ;;
    checks) echo clang clang-tidy ;;
    bench) echo nginx libnginx-mod-stream haproxy h2o lighttpd lighttpd-mod-openssl nghttp2-proxy varnish nghttp2-client wrk iperf3 curl openssl \
        python3 util-linux iproute2 strace linux-perf ;;
    *) echo "packages.sh: no such profile: $1" >&2 && return 1 ;;
  esac
}

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# A tool that came another way (a container's own build, another flavour of the package) is as good.
is_there() {
  is_installed "$1" && return
  case $1 in
    nginx | haproxy) [ -x "/usr/sbin/$1" ] ;;
    nodejs) command -v node >/dev/null ;;
    npm) command -v npm >/dev/null ;;
    maven) command -v mvn >/dev/null ;;
    default-jdk-headless) command -v javac >/dev/null ;;
    chromium-headless-shell) command -v chromium >/dev/null ;;
    clang) compgen -c clang++ >/dev/null ;;
    libclang-rt-dev) compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*' >/dev/null ;;
    *) return 1 ;;
  esac
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# The missing ones among the packages of some profiles, one a line.
missing_of() {
  local profile package
  for profile in "$@"; do
    for package in $(packages_of "$profile"); do
      is_there "$package" || echo "$package"
    done
  done | sort -u
}

# A subshell, so that the policy goes away however this ends.
need() (
  missing=$(missing_of "$@" | tr '\n' ' ')
  [ -z "$missing" ] && exit 0
  command -v apt-get >/dev/null || { echo "missing: $missing(no apt-get here: install them by hand)" >&2; exit 1; }
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "missing: $missing(run as root, or install sudo)" >&2
    exit 1
  fi
  echo "installing: $missing" >&2
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    trap 'as_root rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
  fi
  as_root apt-get -qq update || true  # an old list may do; the installation tells
  # shellcheck disable=SC2086  # words on purpose
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing >&2 || exit 1
  # What we brought in shall not start at the next boot either.
  if command -v systemctl >/dev/null; then
    for service in nginx haproxy h2o lighttpd nghttp2-proxy:nghttpx varnish varnish:varnishncsa iperf3; do
      case " $missing" in *" ${service%:*} "*) as_root systemctl disable -q "${service#*:}" 2>/dev/null || true ;; esac
    done
  fi
)

# cloud_kernel DIRECTORY: Debian's kernel for virtual machines, unpacked there and not installed; tests/vm boots it.
cloud_kernel() (
  set -e
  command -v apt-get >/dev/null || { echo "no apt-get here" >&2; exit 1; }
  download() {
    local name
    name=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
    [ -n "$name" ] && apt-get -qq download "$name" >&2
  }
  mkdir -p "$1.part"
  cd "$1.part"
  download || { as_root apt-get -qq update >&2 && download; }  # an old list names what is gone
  dpkg -x linux-image-*.deb unpacked
  mv -T unpacked "$1"
  rm -r "$1.part"
)

# build_sluice DIRECTORY [cmake options]: a Release build of this checkout.
build_sluice() {
  local directory=$1
  shift
  cmake -S . -B "$directory" -DCMAKE_BUILD_TYPE=Release "$@"
  cmake --build "$directory" -j "$(nproc)"
}

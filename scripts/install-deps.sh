#!/usr/bin/env bash
# Installs what Skein needs on Debian 12. Running it again does nothing where everything is
# there. Works as root or with sudo, and starts no service.
#
#   scripts/install-deps.sh        to build and to test
#   scripts/install-deps.sh build  to build, and redis-cli to talk to what was built
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

packages=(
  cmake g++ ninja-build
  libasio-dev libcli11-dev libfmt-dev libspdlog-dev libjemalloc-dev liblzf-dev libssl-dev libxxhash-dev
  nlohmann-json3-dev redis-tools
)
case ${1:-all} in
  build) ;;
  all)
    packages+=(
      ccache clang libclang-rt-14-dev libgtest-dev libgmock-dev libbenchmark-dev
      redis-server redis-sentinel git iproute2 procps python3 python3-redis util-linux
    )
    # By command: a node or npm that did not come from Debian does as well.
    command -v node >/dev/null || packages+=(nodejs)
    command -v npm >/dev/null || packages+=(npm)
    ;;
  *) echo "usage: $0 [build|all]" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# redis-server's package starts a server on 6379, which nobody asked for. A policy-rc.d that
# says 101 is Debian's way to forbid that; one that is already there is left alone.
policy=/usr/sbin/policy-rc.d
forbid_services() {
  [ -e "$policy" ] && return
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
  trap 'as_root rm -f "$policy"' EXIT
}

if [ ${#missing[@]} -gt 0 ]; then
  echo "Installing: ${missing[*]}"
  forbid_services
  log=$(mktemp)
  if ! { as_root apt-get -qq update && as_root env DEBIAN_FRONTEND=noninteractive \
         apt-get -qq -y --no-install-recommends install "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
fi

[ "${1:-all}" = all ] || exit 0

# The cluster client that the library test talks through, beside the builds. Without the
# registry everything but that test still works, so its absence is not an error here.
client=$root/build/node
if [ ! -d "$client/node_modules/ioredis" ]; then
  mkdir -p "$client"
  npm install --prefix "$client" --silent --no-audit --no-fund --no-save ioredis@5 >/dev/null 2>&1 ||
    echo "note: ioredis could not be fetched; client_libs_test will fail until it is there" >&2
fi

#!/usr/bin/env bash
# What every change has to pass, in well under 25 minutes on two cores: everything in a
# release build (asserts are on in it), and under ASan and UBSan the layers below net with
# their tests, the simulator and the fuzz corpora.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
scripts/install-deps.sh

build() {
  local preset=$1
  shift
  # A build made by the quickstart has no tests yet.
  cmake --preset "$preset" -DSKEIN_TESTS=ON >/dev/null
  cmake --build --preset "$preset" "$@"
}

build release

# Only what needs no sockets: the end-to-end tests run with the release server.
sanitized='^(unit_(base|layers|resp|config|stats|keyspace|persist|replication|cluster_.*|session|command|dispatch|commands)|command_tests|sim|fuzz_corpora)$'
cmake --preset asan >/dev/null
mapfile -t programs < <(ninja -C build/asan -t targets all | sed -n 's/: phony$//p' |
  grep -E '^(unit_(base|layers|resp|config|stats|keyspace|persist|replication|cluster_[a-z_]*|session|command|dispatch|commands)|command_tests|sim_tests|fuzz_corpora)$' | sort -u)
build asan --target "${programs[@]}"

failed=0
# Of the simulator a few seeds and all stories; what only counts or measures is the release build's.
SKEIN_SIM_SEEDS=${SKEIN_SIM_SEEDS:-10} GTEST_FILTER='-*PlantedBug*:FailoverBounds.*:SlotMoves.*:Large.*' \
  ctest --test-dir build/asan -j "$(nproc)" -R "$sanitized" --output-on-failure || failed=1
# One more than there are cores: those that may run beside others mostly wait.
ctest --test-dir build/release -j "$(($(nproc) + 1))" --output-on-failure || failed=1
exit "$failed"

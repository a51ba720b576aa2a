#!/usr/bin/env bash
# What is too long for every change: all tests under ASan and TSan, libFuzzer, long runs of
# the simulator and of the comparison with redis-server, and the README's two commands on a
# fresh Debian 12. Takes hours; each part can be asked for alone.
#
#   scripts/test-deep.sh [asan] [tsan] [fuzz] [sim] [differential] [hostile] [fresh]
#
# SKEIN_FUZZ_SECONDS (300) for each fuzz target, SKEIN_DEEP_SEEDS (1000) for the simulator.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

build() {
  [ -f "build/$1/build.ninja" ] || cmake --preset "$1" >/dev/null
  cmake --build --preset "$@"
}

deep_asan() {
  build asan
  ctest --test-dir build/asan --output-on-failure --timeout 1800
}

deep_tsan() {
  build tsan
  # The simulator has one thread, and would take an hour.
  ctest --test-dir build/tsan -E '^sim$' --output-on-failure --timeout 1800
}

deep_fuzz() {
  local program target found
  cmake --preset fuzz >/dev/null
  mapfile -t programs < <(ninja -C build/fuzz -t targets all | sed -n 's/: phony$//p' | grep -E '^fuzz_.*_main$')
  build fuzz --target "${programs[@]}"
  for program in "${programs[@]}"; do
    target=${program#fuzz_}
    target=${target%_main}
    # New inputs stay in the build folder; the corpus beside the sources only grows by hand.
    found=$root/build/fuzz/corpus/$target
    mkdir -p "$found"
    echo "== fuzzing $target"
    (cd "$found" && "$root/build/fuzz/bin/$program" -max_total_time="${SKEIN_FUZZ_SECONDS:-300}" -rss_limit_mb=2048 \
      -timeout=10 -print_final_stats=1 "$found" "$root/tests/fuzz/corpus/$target" 2>&1 | tail -n 12)
  done
}

deep_sim() {
  build release --target sim_tests
  SKEIN_SIM_SEEDS=${SKEIN_DEEP_SEEDS:-1000} SKEIN_SIM_FIRST_SEED=$((RANDOM * 1000)) build/release/bin/sim_tests
}

deep_differential() {
  local round
  build release --target skein-server
  for round in 1 2 3 4 5; do
    echo "== round $round"
    /usr/bin/python3 tests/integration/differential.py --count 200000
  done
}

deep_hostile() {
  build release --target skein-server
  SKEIN_HOSTILE_REQUESTS=200000 SKEIN_HOSTILE_PACKETS=20000 /usr/bin/python3 tests/integration/hostile_test.py
}

# The README's commands in a Debian 12 that has nothing but what they install. It gets this
# machine's apt configuration, so whatever mirror or proxy serves here serves there.
deep_fresh() {
  local fresh mirror
  [ "$(id -u)" = 0 ] || { echo "fresh: needs root, for chroot" >&2; return 1; }
  command -v debootstrap >/dev/null || apt-get -qq -y install debootstrap
  fresh=$(mktemp -d)
  chmod 755 "$fresh"  # a root directory that other users may enter, as everywhere
  trap 'rm -rf --one-file-system "$fresh"' RETURN
  # shellcheck disable=SC2016  # apt's own variable
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' | head -n 1)
  debootstrap --variant=minbase bookworm "$fresh" "$mirror" >"$root/build/debootstrap.log" 2>&1 ||
    { tail -n 20 "$root/build/debootstrap.log" >&2; return 1; }
  cp -aT /etc/apt "$fresh/etc/apt"
  cp -aT /usr/share/keyrings "$fresh/usr/share/keyrings"
  cp -L /etc/resolv.conf /etc/hosts "$fresh/etc/"
  # Whom this machine trusts: the registry may be behind a proxy.
  if [ -d /etc/ssl/certs ]; then cp -rLT /etc/ssl "$fresh/etc/ssl"; fi
  mkdir -p "$fresh/skein"
  git archive HEAD | tar -x -C "$fresh/skein"
  # A mount namespace of its own: the mounts go when the command ends, however it ends.
  # shellcheck disable=SC2016  # expanded by the shells inside
  unshare --mount --pid --fork --kill-child sh -euc '
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    exec chroot "$1" sh -euc "
      cd /skein
      scripts/quickstart.sh
      redis-cli -c -p 7000 set hello world
      scripts/quickstart.sh
      scripts/quickstart.sh stop
      scripts/test.sh"' - "$fresh"
}

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(asan tsan fuzz sim differential hostile fresh)
scripts/install-deps.sh
for part in "${parts[@]}"; do
  declare -F "deep_$part" >/dev/null || { echo "no such part: $part" >&2; exit 2; }
done
failed=()
for part in "${parts[@]}"; do
  echo "=== $part"
  # Not behind ||, where bash would go on after a failed command.
  set +e
  (set -e; "deep_$part")
  status=$?
  set -e
  [ "$status" = 0 ] || failed+=("$part")
done
[ ${#failed[@]} -eq 0 ] || { echo "FAILED: ${failed[*]}" >&2; exit 1; }
echo "All of it passed: ${parts[*]}"

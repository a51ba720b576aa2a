// Every file of every corpus, as it is and with a fixed sequence of small damage.
//
// SKEIN_FUZZ_ROUNDS says how many damaged forms of each file are tried. What fails, even by
// a crash, is left in fuzz-<target>.input in the current folder, to be looked at and, once
// mended, to become a file of the corpus: fuzz_<target>_main <file> runs it alone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <skein/base/checksums.h>
#include <skein/base/text.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "mutate.h"
#include "targets.h"

#ifdef SKEIN_SANITIZED
extern "C" void __sanitizer_set_death_callback(void (*callback)());
#endif

namespace skein::fuzz {

namespace {

#ifdef SKEIN_SANITIZED
constexpr int kRounds = 10;
#else
constexpr int kRounds = 120;
#endif

struct Target {
  const char* name;
  void (*run)(Input);
};
constexpr std::array kTargets{
    Target{"resp", fuzz_resp},             Target{"keys", fuzz_keys},     Target{"bus", fuzz_bus},
    Target{"nodes_conf", fuzz_nodes_conf}, Target{"config", fuzz_config}, Target{"text", fuzz_text},
    Target{"rdb", fuzz_rdb},               Target{"restore", fuzz_restore},
    Target{"psync", fuzz_psync},
};

struct Seed {
  std::string name;
  std::string bytes;
};

std::vector<Seed> read_corpus(const char* target) {
  std::vector<Seed> seeds;
  const auto folder = std::filesystem::path(SKEIN_SOURCE_DIR) / "tests" / "fuzz" / "corpus" / target;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    seeds.push_back({entry.path().filename().string(), std::string(std::istreambuf_iterator<char>(file), {})});
  }
  std::sort(seeds.begin(), seeds.end(), [](const Seed& a, const Seed& b) { return a.name < b.name; });
  return seeds;
}

int rounds() {
  const char* text = std::getenv("SKEIN_FUZZ_ROUNDS");
  return static_cast<int>(text != nullptr ? parse_int64(text).value_or(kRounds) : kRounds);
}

// The input that is being run, for a signal handler to find.
struct Running {
  std::array<char, 64> file{};
  const char* bytes = nullptr;
  std::size_t size = 0;
};
Running& running() {
  static Running now;
  return now;
}

// Calls only what a signal handler may.
void keep_input() {
  const Running& now = running();
  if (now.bytes == nullptr) return;
  const int file = ::open(now.file.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return;
  [[maybe_unused]] const auto written = ::write(file, now.bytes, now.size);
  ::close(file);
}

extern "C" void keep_input_and_die(int number) {
  keep_input();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void keep_input_on_death() {
#ifdef SKEIN_SANITIZED
  __sanitizer_set_death_callback(keep_input);
  std::signal(SIGABRT, keep_input_and_die);
#else
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(number, keep_input_and_die);
#endif
}

class Corpora : public testing::TestWithParam<Target> {
 protected:
  // False, with a failure noted and the input kept, when something did not hold.
  bool run(const Seed& seed, int round, const std::string& bytes) {
    running().bytes = bytes.data();
    running().size = bytes.size();
    std::string finding;
    try {
      GetParam().run({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    } catch (const Finding& found) {
      finding = found.what();
      keep_input();
    }
    running().bytes = nullptr;
    if (!finding.empty()) {
      ADD_FAILURE() << GetParam().name << "/" << seed.name << ", round " << round << ": " << finding << "\nkept as "
                    << std::filesystem::current_path().string() << "/" << running().file.data();
    }
    return finding.empty();
  }

  void SetUp() override {
    const std::string file = "fuzz-" + std::string(GetParam().name) + ".input";
    std::copy(file.begin(), file.end(), running().file.begin());
    running().file[file.size()] = '\0';
    keep_input_on_death();
  }
};

TEST_P(Corpora, HoldAsTheyAreAndDamaged) {
  const auto seeds = read_corpus(GetParam().name);
  ASSERT_GE(seeds.size(), 10U) << "a corpus has lost its files";
  for (const Seed& seed : seeds) {
    if (!run(seed, 0, seed.bytes)) return;
    Random random(crc64(0, seed.name));
    for (int round = 1; round <= rounds(); ++round) {
      const auto& other = seeds[random.below(seeds.size())].bytes;
      if (!run(seed, round, mutate(seed.bytes, other, random))) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Corpora, testing::ValuesIn(kTargets),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace

}  // namespace skein::fuzz

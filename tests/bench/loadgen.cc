// A closed-loop load generator: so many connections, each with so many requests in flight,
// the next batch of a connection sent when its last one is answered.
//
// It has to keep a faster server than redis busy from one core of the same machine, so it
// does as little as it can per operation: requests are rendered before the clock starts, and
// of a reply only its length is looked at. With --pid it also reads that process's CPU time,
// over all threads, while nothing is in flight at the window's two ends.

#include <fcntl.h>
#include <getopt.h>
#include <sys/epoll.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include "tcp_client.h"

namespace skein::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

enum class Mode { kGet, kSet, kMixed, kPrefill };

constexpr std::size_t kShortValue = 16;

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 6379;
  std::string password;
  unsigned connections = 50;
  unsigned pipeline = 1;
  std::uint64_t operations = 0;
  double seconds = 0;
  std::uint64_t warmup = 0;
  std::uint64_t first_key = 0;
  std::uint64_t keys = 1'000'000;
  std::uint64_t expire_seconds = 0;
  std::uint64_t seed = 1;
  std::size_t value_size = kShortValue;
  Mode mode = Mode::kGet;
  int pid = 0;
};

// Keys are 16 bytes, and values of that size say whose they are.
std::string render_get(std::uint64_t key) {
  return fmt::format("*2\r\n$3\r\nGET\r\n$16\r\nkey:{:012}\r\n", key);
}

std::string render_set(std::uint64_t key, const Options& options) {
  const std::string value =
      options.value_size == kShortValue ? fmt::format("val:{:012}", key) : std::string(options.value_size, 'v');
  if (options.expire_seconds == 0) {
    return fmt::format("*3\r\n$3\r\nSET\r\n$16\r\nkey:{:012}\r\n${}\r\n{}\r\n", key, value.size(), value);
  }
  const std::string seconds = std::to_string(options.expire_seconds);
  return fmt::format("*5\r\n$3\r\nSET\r\n$16\r\nkey:{:012}\r\n${}\r\n{}\r\n$2\r\nEX\r\n${}\r\n{}\r\n", key,
                     value.size(), value, seconds.size(), seconds);
}

// Where batches of requests come from: a ring of random ones rendered beforehand, or, when
// filling, each key once in turn.
class Requests {
 public:
  explicit Requests(const Options& options) : options_(options), next_key_(options.first_key), random_(options.seed) {
    if (options.mode == Mode::kPrefill) return;
    const std::size_t largest = options.mode == Mode::kGet ? 64 : options.value_size + 64;
    const std::uint64_t fitting = std::min<std::uint64_t>(kRingRequests, kRingBytes / largest);
    const std::uint64_t count = std::max<std::uint64_t>(fitting, options.pipeline);
    rewrites_keys_ = count < kRingRequests && options.mode == Mode::kSet;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t key = random_key();
      const bool write = options.mode == Mode::kSet || (options.mode == Mode::kMixed && random_() % 2 == 0);
      starts_.push_back(bytes_.size());
      bytes_ += write ? render_set(key, options) : render_get(key);
    }
    starts_.push_back(bytes_.size());
  }

  // The bytes of the next `count` requests; with prefill written to `own`, else a view of the ring.
  std::string_view take(unsigned count, std::string& own) {
    if (options_.mode == Mode::kPrefill) {
      own.clear();
      for (unsigned i = 0; i < count; ++i) own += render_set(next_key_++, options_);
      return own;
    }
    if (next_ + count >= starts_.size()) next_ = 0;
    const std::size_t from = starts_[next_];
    for (unsigned i = 0; rewrites_keys_ && i < count; ++i) rewrite_key(starts_[next_ + i]);
    next_ += count;
    return std::string_view(bytes_).substr(from, starts_[next_] - from);
  }

 private:
  // As many as there are keys by default; a longer ring would only cost memory.
  static constexpr std::uint64_t kRingRequests = 1'000'000;
  // Of large values fewer, whose keys are written anew each time they come round: so few would stay in a cache.
  static constexpr std::uint64_t kRingBytes = 128ULL << 20;

  std::uint64_t random_key() { return options_.first_key + random_() % options_.keys; }

  // It may be on its way on another connection still. Keys have one length, so that does no harm.
  void rewrite_key(std::size_t start) {
    char* const digits = bytes_.data() + bytes_.find("key:", start) + 4;
    std::uint64_t key = random_key();
    for (int place = 11; place >= 0; --place, key /= 10) digits[place] = static_cast<char>('0' + key % 10);
  }

  const Options& options_;
  std::uint64_t next_key_;
  std::mt19937_64 random_;
  bool rewrites_keys_ = false;
  std::size_t next_ = 0;
  std::string bytes_;
  std::vector<std::size_t> starts_;
};

struct Tally {
  std::uint64_t replies = 0;
  std::uint64_t misses = 0;
  std::uint64_t errors = 0;
  std::string first_error;
};

// Length of the whole reply at the front of `bytes`, of which the end may still be to come; 0 when that cannot
// be told yet. Knows what GET and SET answer: a bulk string, a status or an error.
std::size_t reply_length(std::string_view bytes, Tally& tally) {
  constexpr std::size_t kSixteenByteBulk = 23;
  if (bytes.size() >= kSixteenByteBulk && bytes.starts_with("$16")) return kSixteenByteBulk;
  const std::size_t line = bytes.find("\r\n");
  if (line == std::string_view::npos) return 0;
  if (bytes[0] == '-') {
    if (tally.errors++ == 0) tally.first_error = bytes.substr(0, line);
    return line + 2;
  }
  if (bytes[0] != '$') return line + 2;
  const long length = std::strtol(bytes.data() + 1, nullptr, 10);
  if (length < 0) {
    ++tally.misses;
    return line + 2;
  }
  return line + 2 + static_cast<std::size_t>(length) + 2;
}

struct Connection {
  int fd = -1;
  unsigned awaited = 0;
  bool waits_for_room = false;
  std::string own_requests;
  std::string_view unsent;
  std::string partial_reply;
  std::size_t to_come = 0;  // of the reply under way
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options), requests_(options) {
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    connections_.resize(options.connections);
    for (Connection& connection : connections_) open(connection);
  }

  // Runs until `operations` are answered or, when that is 0, for `seconds`; returns with
  // nothing in flight.
  Tally run(std::uint64_t operations, double seconds) {
    tally_ = {};
    budget_ = operations ? operations : UINT64_MAX;
    const auto end = SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(
                                              std::chrono::duration<double>(seconds));
    for (Connection& connection : connections_) send_batch(connection);
    std::vector<epoll_event> events(connections_.size());
    while (busy_ > 0) {
      const int ready = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 30'000);
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) {
        fmt::print(stderr, "no reply for 30 seconds\n");
        std::exit(1);
      }
      if (operations == 0 && SteadyClock::now() >= end) budget_ = 0;
      for (int i = 0; i < ready; ++i) {
        Connection& connection = connections_[events[i].data.u32];
        if (events[i].events & EPOLLOUT) flush(connection);
        if (events[i].events & ~std::uint32_t{EPOLLOUT}) receive(connection);
      }
    }
    return tally_;
  }

 private:
  void open(Connection& connection) {
    connection.fd = connect_to(options_.host, options_.port);
    if (!options_.password.empty()) {
      send_all(connection.fd, fmt::format("AUTH {}\r\n", options_.password));
      char reply[64];
      if (::recv(connection.fd, reply, sizeof reply, 0) <= 0 || reply[0] != '+') give_up("AUTH");
    }
    ::fcntl(connection.fd, F_SETFL, O_NONBLOCK);
    watch(connection, EPOLL_CTL_ADD, EPOLLIN);
  }

  void watch(Connection& connection, int operation, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.u32 = static_cast<std::uint32_t>(&connection - connections_.data());
    if (::epoll_ctl(poll_, operation, connection.fd, &event) != 0) give_up("epoll_ctl");
  }

  void send_batch(Connection& connection) {
    const auto count = static_cast<unsigned>(std::min<std::uint64_t>(options_.pipeline, budget_));
    if (count == 0) return;
    if (budget_ != UINT64_MAX) budget_ -= count;
    connection.awaited = count;
    connection.unsent = requests_.take(count, connection.own_requests);
    ++busy_;
    flush(connection);
  }

  // A batch nearly always fits the socket's buffer; the rest waits for room.
  void flush(Connection& connection) {
    const ssize_t sent =
        ::send(connection.fd, connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) give_up("send");
    if (sent > 0) connection.unsent.remove_prefix(static_cast<std::size_t>(sent));
    if (connection.waits_for_room == connection.unsent.empty()) {
      connection.waits_for_room = !connection.unsent.empty();
      watch(connection, EPOLL_CTL_MOD, connection.waits_for_room ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
  }

  void receive(Connection& connection) {
    const std::size_t kept = connection.partial_reply.size();
    std::memcpy(buffer_.data(), connection.partial_reply.data(), kept);
    const ssize_t got = ::recv(connection.fd, buffer_.data() + kept, buffer_.size() - kept, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      if (got == 0) errno = ECONNRESET;
      give_up("recv");
    }
    std::string_view left(buffer_.data(), kept + static_cast<std::size_t>(got));
    while (!left.empty()) {
      if (connection.to_come == 0) connection.to_come = reply_length(left, tally_);
      if (connection.to_come == 0) break;
      const std::size_t here = std::min(connection.to_come, left.size());
      left.remove_prefix(here);
      connection.to_come -= here;
      if (connection.to_come != 0) break;
      --connection.awaited;
      ++tally_.replies;
    }
    connection.partial_reply.assign(left);
    if (connection.awaited == 0) {
      --busy_;
      send_batch(connection);
    }
  }

  const Options& options_;
  Requests requests_;
  std::vector<Connection> connections_;
  std::vector<char> buffer_ = std::vector<char>(1 << 20);
  Tally tally_;
  std::uint64_t budget_ = 0;
  unsigned busy_ = 0;
  int poll_ = -1;
};

// Nanoseconds on a CPU, over all threads of the process.
std::uint64_t cpu_time(int pid) {
  std::uint64_t sum = 0;
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
    std::uint64_t nanoseconds = 0;
    std::ifstream(task.path() / "schedstat") >> nanoseconds;
    sum += nanoseconds;
  }
  return sum;
}

// The kernel adds a running thread's time only when it is next scheduled: asks until the
// idle server has gone to sleep and the figure stands still.
std::uint64_t settled_cpu_time(int pid) {
  if (pid == 0) return 0;
  std::uint64_t last = cpu_time(pid);
  for (int attempt = 0; attempt < 50; ++attempt) {
    ::usleep(500);
    const std::uint64_t now = cpu_time(pid);
    if (now == last) break;
    last = now;
  }
  return last;
}

[[noreturn]] void usage() {
  fmt::print(stderr,
             "skein-loadgen [-h host] [-p port] [-a password] [-c connections] [-P pipeline]\n"
             "              [-n operations | -t seconds] [-w warm-up operations] [-m get|set|mixed|prefill]\n"
             "              [-r keys] [-d value size] [-f first key] [-e expire seconds] [-s seed] [-i server pid]\n");
  std::exit(2);
}

Mode parse_mode(std::string_view name) {
  if (name == "get") return Mode::kGet;
  if (name == "set") return Mode::kSet;
  if (name == "mixed") return Mode::kMixed;
  if (name == "prefill") return Mode::kPrefill;
  usage();
}

Options parse_options(int argc, char** argv) {
  Options options;
  int letter = 0;
  while ((letter = ::getopt(argc, argv, "h:p:a:c:P:n:t:w:m:r:d:f:e:s:i:")) != -1) {
    const auto number = [] { return std::strtoull(optarg, nullptr, 10); };
    switch (letter) {
      case 'h': options.host = optarg; break;
      case 'p': options.port = static_cast<std::uint16_t>(number()); break;
      case 'a': options.password = optarg; break;
      case 'c': options.connections = static_cast<unsigned>(number()); break;
      case 'P': options.pipeline = static_cast<unsigned>(number()); break;
      case 'n': options.operations = number(); break;
      case 't': options.seconds = std::strtod(optarg, nullptr); break;
      case 'w': options.warmup = number(); break;
      case 'm': options.mode = parse_mode(optarg); break;
      case 'r': options.keys = number(); break;
      case 'd': options.value_size = number(); break;
      case 'f': options.first_key = number(); break;
      case 'e': options.expire_seconds = number(); break;
      case 's': options.seed = number(); break;
      case 'i': options.pid = static_cast<int>(number()); break;
      default: usage();
    }
  }
  if (options.mode == Mode::kPrefill) options.operations = options.keys;
  if (options.operations == 0 && options.seconds <= 0) usage();
  if (options.connections == 0 || options.pipeline == 0 || options.keys == 0) usage();
  return options;
}

// One line of JSON: what compare.py and memory.py read.
int run(const Options& options) {
  raise_descriptor_limit();
  Load load(options);
  if (options.warmup) load.run(options.warmup, 0);
  const std::uint64_t cpu_before = settled_cpu_time(options.pid);
  const auto start = SteadyClock::now();
  const Tally tally = load.run(options.operations, options.seconds);
  const std::chrono::duration<double> took = SteadyClock::now() - start;
  const std::uint64_t cpu = settled_cpu_time(options.pid) - cpu_before;
  fmt::print("{{\"ops\": {}, \"seconds\": {:.6f}, \"cpu_ns\": {}, \"misses\": {}, \"errors\": {}}}\n",
             tally.replies, took.count(), cpu, tally.misses, tally.errors);
  if (tally.errors) fmt::print(stderr, "first error: {}\n", tally.first_error);
  return tally.errors ? 1 : 0;
}

}  // namespace
}  // namespace skein::bench

int main(int argc, char** argv) { return skein::bench::run(skein::bench::parse_options(argc, argv)); }

// The addresses of a host name, looked up on a thread of its own.
//
// asio's resolver would do but for two things: it waits for the name server when the loop is taken down, so that a
// server whose name server does not answer takes seconds to end, and what its thread allocates is freed by ours,
// which used_memory would never hear of. Here nothing waits for a lookup, and all memory is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/ip/tcp.hpp>

namespace skein {

class NameLookup {
 public:
  // In the order in which they should be tried; `why` is the error's text when there are none.
  using Places = std::vector<asio::ip::tcp::endpoint>;
  using Done = std::function<void(Places places, const std::string& why)>;

  // Lookups of all are made one after the other.
  explicit NameLookup(asio::any_io_executor executor);
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;
  ~NameLookup() { cancel(); }

  // Tells how it ended from the executor's loop, once, unless it is cancelled. One at a time. `done` may destroy this.
  void start(const std::string& host, std::uint16_t port, Done done);
  // Not from inside another thread than the loop's, as all here.
  void cancel();

 private:
  struct Job;
  class Worker;

  void finish(Places places, const std::string& why);

  asio::any_io_executor executor_;
  asio::any_io_executor work_;  // while one is under way: the loop has something to wait for
  Done done_;
  std::shared_ptr<Job> job_;
};

}  // namespace skein

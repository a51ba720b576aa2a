// Loads an RDB file into the keyspace in slices, so that the node serves other events
// meanwhile: at start, and after a full sync was received and checked.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>

#include <skein/commands/snapshot_actions.h>
#include <skein/keyspace/keyspace.h>
#include <skein/persist/rdb_loader.h>

namespace skein {

class Loading {
 public:
  struct Hooks {
    std::function<void()> changed;  // loading has begun or ended: refresh the gates
  };
  Loading(asio::io_context& loop, Keyspace& keyspace, Hooks hooks);
  ~Loading();

  struct Loaded {
    Result<void> outcome;
    RdbFacts facts;
    std::uint64_t keys = 0;
    std::uint64_t expired = 0;
  };
  // Begins; `done` comes once, from the event loop, with the gates open again. A file that
  // is not there is an error. The keyspace is the caller's to empty before.
  void load_file(const std::string& path, RdbLoadOptions options, std::function<void(Loaded)> done);
  // The same, finished when it returns.
  Loaded load_file_now(const std::string& path, RdbLoadOptions options);
  // As load_file_now, but keys that are there are overwritten. The keyspace is untouched when
  // the file is damaged.
  Loaded merge_file_now(const std::string& path, RdbLoadOptions options);
  // Reads it to the end and keeps nothing.
  static Result<void> check_file(const std::string& path, RdbLoadOptions options);
  // A load under way is abandoned: `done` gets an error.
  void abandon();

  // Another source (a full sync from a socket) loads: the gate and INFO's figures alone.
  // `beside`: the old data is served meanwhile (swapdb).
  void begin_foreign(bool beside, std::uint64_t total_bytes);
  void note_foreign(std::uint64_t loaded_bytes);
  void end_foreign(std::uint64_t keys, std::uint64_t expired);

  // Something loads, from wherever.
  [[nodiscard]] bool is_loading() const;
  // Commands are answered with -LOADING.
  [[nodiscard]] bool shuts_gate() const;
  // Fills the loading_* fields and the last load's figures.
  void fill(PersistenceFacts& facts) const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace skein

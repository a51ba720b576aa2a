// maxmemory: keeps the node's memory within its limit, by evicting keys or by having writes refused.
//
// Asked before commands run. What is too much is removed in slices of time, between which everybody
// gets their turn; while a slice is still to come nobody is refused. Which key goes is
// keyspace/eviction.h's choice, what may not be counted and when nothing may go the owner's.
#pragma once

#include <functional>
#include <memory>

#include <asio/io_context.hpp>

#include <skein/base/time.h>
#include <skein/config/settings.h>
#include <skein/keyspace/eviction.h>

namespace skein {

enum class MemoryVerdict : std::uint8_t {
  kWithin,      // or nobody asks: no limit, or not for this node to see to it
  kEvicting,    // too much, and less of it later
  kNothingToGo  // too much, and the policy lets nothing go: commands that take memory are refused
};

class MemoryLimit {
 public:
  struct Parts {
    asio::io_context& loop;
    const Settings& settings;
    Keyspace& keyspace;
  };
  struct Hooks {
    // Not while writers wait, data is loaded, or a primary sees to it.
    std::function<bool()> may_evict;
    // Memory that keys must not go for: what has not been executed, and what others have not read.
    std::function<std::size_t()> uncounted;
    // Another thread is about to free what was taken out of the keyspace.
    std::function<bool()> frees_pending;
    // Keys went: their removal is an effect.
    std::function<void()> evicted;
    // Whether writes are refused has changed.
    std::function<void()> changed;
    // A turn of the node with nothing in it but what begins each: `hold`.
    std::function<void()> turn;
  };
  MemoryLimit(Parts parts, Hooks hooks);

  // Before commands run. With no limit set it costs nothing.
  void hold() {
    if (parts_.settings.maxmemory != 0) [[unlikely]] set(make_room());
  }
  // The settings have changed.
  void apply_settings();
  [[nodiscard]] bool refuses() const { return verdict_ == MemoryVerdict::kNothingToGo; }
  // Whether so many bytes more would be within the limit with all gone that may go. Evicts nothing: what fits is
  // taken at once, and room is made for it afterwards.
  [[nodiscard]] bool fits(std::size_t bytes) const;

  // For how long there has been too much, in all and now.
  [[nodiscard]] microseconds exceeded_in_all() const { return exceeded_before_ + exceeded_now(); }
  [[nodiscard]] microseconds exceeded_now() const;
  void reset_statistics() { exceeded_before_ = {}; }

 private:
  [[nodiscard]] MemoryVerdict make_room();
  [[nodiscard]] MemoryVerdict evict(std::size_t down_to);
  void set(MemoryVerdict verdict);
  void continue_later();

  Parts parts_;
  Hooks hooks_;
  VictimChooser chooser_;
  MemoryVerdict verdict_ = MemoryVerdict::kWithin;
  // What the node takes with no key in it.
  std::size_t without_keys_;
  MonoTime exceeded_since_{};
  microseconds exceeded_before_{};
  bool continues_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// How long one slice may take, by maxmemory-eviction-tenacity.
[[nodiscard]] microseconds eviction_slice(int tenacity);
// Nothing: the policy evicts nothing.
[[nodiscard]] std::optional<EvictionRule> eviction_rule(MaxmemoryPolicy policy, int samples);

}  // namespace skein

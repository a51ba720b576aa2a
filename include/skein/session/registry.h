// All sessions of a node, oldest first: CLIENT LIST, KILL and PAUSE work on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <skein/session/session.h>

namespace skein {

class SessionRegistry {
 public:
  // The sessions while somebody goes through them. What is done to one may remove it or others: those
  // are not met any more, and no other is passed over.
  class Walk {
   public:
    class Iterator {
     public:
      Iterator(const SessionRegistry& registry, std::size_t at) : registry_(&registry), at_(at) { pass_gaps(); }
      Session* operator*() const { return registry_->places_[at_].session; }
      Iterator& operator++() {
        ++at_;
        pass_gaps();
        return *this;
      }
      bool operator==(std::nullptr_t) const { return at_ >= registry_->places_.size(); }

     private:
      void pass_gaps() {
        while (at_ < registry_->places_.size() && registry_->places_[at_].session == nullptr) ++at_;
      }
      const SessionRegistry* registry_;
      std::size_t at_;
    };

    explicit Walk(const SessionRegistry& registry) : registry_(registry) { ++registry_.walks_; }
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;
    ~Walk() {
      if (--registry_.walks_ == 0 && registry_.gaps_ != 0) registry_.close_gaps();
    }
    [[nodiscard]] Iterator begin() const { return {registry_, 0}; }
    [[nodiscard]] static std::nullptr_t end() { return nullptr; }

   private:
    const SessionRegistry& registry_;
  };

  [[nodiscard]] std::uint64_t next_id() { return ++last_id_; }
  void add(Session& session);
  void remove(Session& session);
  [[nodiscard]] Session* find(std::uint64_t id) const;
  // Oldest first.
  [[nodiscard]] Walk all() const { return Walk(*this); }
  [[nodiscard]] std::size_t size() const { return places_.size() - gaps_; }

 private:
  struct Place {
    std::uint64_t id;
    Session* session;  // null: removed while somebody walked here
  };
  void close_gaps() const;

  std::uint64_t last_id_ = 0;
  mutable std::vector<Place> places_;  // by id, which only grows
  mutable std::size_t gaps_ = 0;
  mutable int walks_ = 0;
};

}  // namespace skein

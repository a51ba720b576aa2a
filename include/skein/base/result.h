// Result<T>: a value, or why there is none.
//
// For the failures of the world (files, addresses, other programs' bytes). Shaped like
// std::expected, which this compiler does not have yet. Each layer an error crosses adds
// its own context in front.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include <skein/base/assert.h>

namespace skein {

class Error {
 public:
  explicit Error(std::string message) : message_(std::move(message)) {}

  [[nodiscard]] const std::string& message() const { return message_; }

  // The same error, told from one layer further out: "context: message".
  [[nodiscard]] Error within(std::string_view context) const {
    return Error(std::string(context) + ": " + message_);
  }

 private:
  std::string message_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & {
    SKEIN_ASSERT(has_value());
    return std::get<0>(state_);
  }
  const T& value() const& {
    SKEIN_ASSERT(has_value());
    return std::get<0>(state_);
  }
  T&& value() && {
    SKEIN_ASSERT(has_value());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const {
    SKEIN_ASSERT(!has_value());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const { return ok_; }
  explicit operator bool() const { return ok_; }
  [[nodiscard]] const Error& error() const {
    SKEIN_ASSERT(!ok_);
    return error_;
  }

 private:
  Error error_{""};
  bool ok_ = true;
};

}  // namespace skein

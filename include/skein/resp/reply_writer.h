// Writes replies as RESP2 or RESP3 straight into an output.
//
// No tree of values, no allocation. One writer serves a session; a muted writer (CLIENT
// REPLY, a replication stream) runs through the same code and writes nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include <skein/resp/output.h>

namespace skein {

class ReplyWriter {
 public:
  explicit ReplyWriter(Output& output) : output_(&output) {}

  [[nodiscard]] int protocol() const { return protocol_; }
  void set_protocol(int version) { protocol_ = version; }
  [[nodiscard]] bool muted() const { return muted_; }
  void set_muted(bool muted) { muted_ = muted; }
  [[nodiscard]] Output& output() { return *output_; }
  // Writes go elsewhere until told otherwise; returns where they went before.
  Output& redirect(Output& output) { return *std::exchange(output_, &output); }

  void ok() { raw("+OK\r\n"); }
  void status(std::string_view text) { line('+', text); }
  // `text` begins with its code, as "ERR ...". Line ends inside become blanks.
  void error(std::string_view text);
  void integer(std::int64_t value) {
    if (value >= 0 && value < 10) {
      const char bytes[] = {':', static_cast<char>('0' + value), '\r', '\n'};
      raw({bytes, 4});
    } else {
      number_line(':', value);
    }
  }
  void bulk(std::string_view value) {
    if (muted_) [[unlikely]] return;
    if (value.size() < kSmallBulk) [[likely]] {
      char* p = output_->reserve(value.size() + kHeadRoom);
      *p++ = '$';
      if (value.size() < 10) {
        *p++ = static_cast<char>('0' + value.size());
      } else if (value.size() < 100) {
        *p++ = static_cast<char>('0' + value.size() / 10);
        *p++ = static_cast<char>('0' + value.size() % 10);
      } else {
        p = write_number(p, static_cast<std::int64_t>(value.size()));
      }
      *p++ = '\r';
      *p++ = '\n';
      p = std::copy(value.begin(), value.end(), p);  // memcpy would not take a default-made view
      *p++ = '\r';
      *p++ = '\n';
      output_->commit(p);
      return;
    }
    large_bulk(value);
  }
  void bulk_integer(std::int64_t value);
  void null() { raw(protocol_ == 2 ? "$-1\r\n" : "_\r\n"); }
  void null_array() { raw(protocol_ == 2 ? "*-1\r\n" : "_\r\n"); }
  void boolean(bool value) { raw(protocol_ == 2 ? (value ? ":1\r\n" : ":0\r\n") : (value ? "#t\r\n" : "#f\r\n")); }
  void real(double value);
  // Text with a three-letter kind ("txt"); a bulk string in RESP2.
  void verbatim(std::string_view kind, std::string_view text);
  void big_number(std::string_view digits);

  // Heads of aggregates; as many elements (pairs, for a map) must follow.
  void array(std::size_t count) { number_line('*', static_cast<std::int64_t>(count)); }
  void map(std::size_t pairs) {
    number_line(protocol_ == 2 ? '*' : '%', static_cast<std::int64_t>(protocol_ == 2 ? pairs * 2 : pairs));
  }
  void set(std::size_t count) { number_line(protocol_ == 2 ? '*' : '~', static_cast<std::int64_t>(count)); }
  void push(std::size_t count) { number_line(protocol_ == 2 ? '*' : '>', static_cast<std::int64_t>(count)); }
  void attribute(std::size_t pairs) { number_line('|', static_cast<std::int64_t>(pairs)); }

  // Bytes that are a reply already.
  void raw(std::string_view bytes) {
    if (muted_) [[unlikely]] return;
    output_->append(bytes);
  }

  // How many errors were written so far, and the code of the last ("ERR", "WRONGTYPE").
  [[nodiscard]] std::uint64_t errors() const { return errors_; }
  [[nodiscard]] std::string_view last_error_code() const { return {last_code_, last_code_size_}; }

 private:
  static constexpr std::size_t kSmallBulk = 16 * 1024;
  static constexpr std::size_t kHeadRoom = 32;

  static char* write_number(char* out, std::int64_t value);
  void line(char kind, std::string_view text);
  void number_line(char kind, std::int64_t value);
  void large_bulk(std::string_view value);

  Output* output_;
  std::uint64_t errors_ = 0;
  char last_code_[22] = {};
  std::uint8_t last_code_size_ = 0;
  std::uint8_t protocol_ = 2;
  bool muted_ = false;
};

}  // namespace skein

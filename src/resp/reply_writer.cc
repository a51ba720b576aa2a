#include <skein/resp/reply_writer.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <skein/base/text.h>

namespace skein {

char* ReplyWriter::write_number(char* out, std::int64_t value) { return out + write_int64(out, value); }

void ReplyWriter::line(char kind, std::string_view text) {
  if (muted_) return;
  char* p = output_->reserve(text.size() + 3);
  *p++ = kind;
  std::memcpy(p, text.data(), text.size());
  p += text.size();
  *p++ = '\r';
  *p++ = '\n';
  output_->commit(p);
}

void ReplyWriter::number_line(char kind, std::int64_t value) {
  if (muted_) return;
  char* p = output_->reserve(kHeadRoom);
  *p++ = kind;
  p = write_number(p, value);
  *p++ = '\r';
  *p++ = '\n';
  output_->commit(p);
}

void ReplyWriter::error(std::string_view text) {
  ++errors_;
  const std::size_t code = std::min(text.find(' '), text.size());
  last_code_size_ = static_cast<std::uint8_t>(std::min(code, sizeof last_code_));
  std::memcpy(last_code_, text.data(), last_code_size_);
  if (text.find_first_of("\r\n") == std::string_view::npos) {
    line('-', text);
    return;
  }
  std::string one_line(text);
  for (char& c : one_line) {
    if (c == '\r' || c == '\n') c = ' ';
  }
  line('-', one_line);
}

void ReplyWriter::bulk_integer(std::int64_t value) {
  char digits[20];
  bulk({digits, write_int64(digits, value)});
}

void ReplyWriter::large_bulk(std::string_view value) {
  number_line('$', static_cast<std::int64_t>(value.size()));
  raw(value);
  raw("\r\n");
}

void ReplyWriter::real(double value) {
  char text[64];
  std::size_t size = 0;
  if (std::isinf(value)) {
    const std::string_view word = value > 0 ? "inf" : "-inf";
    size = word.copy(text, sizeof text);
  } else {
    size = static_cast<std::size_t>(std::snprintf(text, sizeof text, "%.17g", value));
  }
  if (protocol_ == 2) {
    bulk({text, size});
  } else {
    line(',', {text, size});
  }
}

void ReplyWriter::verbatim(std::string_view kind, std::string_view text) {
  if (protocol_ == 2) {
    bulk(text);
    return;
  }
  number_line('=', static_cast<std::int64_t>(text.size() + 4));
  raw(kind.substr(0, 3));
  raw(":");
  raw(text);
  raw("\r\n");
}

void ReplyWriter::big_number(std::string_view digits) {
  if (protocol_ == 2) {
    bulk(digits);
  } else {
    line('(', digits);
  }
}

}  // namespace skein

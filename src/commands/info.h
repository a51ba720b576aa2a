// INFO's sections: each one function that writes its fields, in redis's order. Tools read
// fields by name, so a figure that belongs to something this server does not do stands as zero.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include <skein/commands/services.h>

namespace skein {

// The text of a reply: "# Title" and "name:value" lines, a blank line between sections.
class InfoText {
 public:
  void section(std::string_view title) { text_ += fmt::format("{}# {}\r\n", text_.empty() ? "" : "\r\n", title); }
  template <typename Value>
  void field(std::string_view name, const Value& value) {
    if constexpr (std::is_same_v<Value, bool>) {
      text_ += fmt::format("{}:{}\r\n", name, value ? 1 : 0);
    } else {
      text_ += fmt::format("{}:{}\r\n", name, value);
    }
  }
  void decimals(std::string_view name, double value, int digits = 2) {
    text_ += fmt::format("{}:{:.{}f}\r\n", name, value, digits);
  }
  // Bytes, and under name_human the same for people.
  void bytes(std::string_view name, std::uint64_t value);
  void human(std::string_view name, std::uint64_t value);
  // Several fields that are nothing here.
  void zeros(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) field(name, 0);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// What a section's function may look at.
struct InfoSource {
  const Call& call;
  const Services& services;
  const InfoFacts& facts;
};

void write_server_section(const InfoSource& from, InfoText& to);
void write_clients_section(const InfoSource& from, InfoText& to);
void write_memory_section(const InfoSource& from, InfoText& to);
void write_persistence_section(const InfoSource& from, InfoText& to);
void write_stats_section(const InfoSource& from, InfoText& to);
void write_replication_section(const InfoSource& from, InfoText& to);
void write_cpu_section(const InfoSource& from, InfoText& to);
void write_commandstats_section(const InfoSource& from, InfoText& to);
void write_errorstats_section(const InfoSource& from, InfoText& to);
void write_latencystats_section(const InfoSource& from, InfoText& to);

}  // namespace skein

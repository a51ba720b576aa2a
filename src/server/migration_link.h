// One connection to a node that keys are brought to: found by name or address, made, written to, read from.
//
// It does nothing by itself: while nobody migrates by it no read is pending, and that it has ended is found out by who
// uses it next. The socket never blocks; who has to wait for it without the event loop polls its descriptor.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <skein/base/time.h>
#include <skein/net/name_lookup.h>

namespace skein {

class MigrationLink : public std::enable_shared_from_this<MigrationLink> {
 public:
  // What failed, as MIGRATE's errors tell it.
  enum class Step : std::uint8_t { kFinding, kWriting, kReading };
  class User {
   public:
    virtual ~User() = default;
    virtual void on_link_up() = 0;
    virtual void on_link_written() = 0;  // some of it
    virtual void on_link_read(std::string_view bytes) = 0;
    virtual void on_link_failed(Step step) = 0;
  };

  MigrationLink(asio::io_context& loop, std::string host, std::string port);

  [[nodiscard]] bool leads_to(std::string_view host, std::string_view port) const { return host == host_ && port == port_; }
  [[nodiscard]] bool is_up() const { return up_; }

  // By the event loop, for one user at a time. `release` leaves the connection as it is, for the next one.
  void connect(User& user, const std::string& source);
  void use(User& user) { user_ = &user; }
  // Both texts must live until they have been sent or the link is closed. Answers are read as they come.
  void send(std::string_view head, std::string_view requests);
  [[nodiscard]] bool has_unsent() const { return !head_.empty() || !requests_.empty(); }
  void release() { user_ = nullptr; }
  void close();

  // Without the event loop, until `deadline`: the step that failed, or nothing. `read` gives a part of what came.
  [[nodiscard]] std::optional<Step> connect_now(const std::string& source, MonoTime deadline);
  [[nodiscard]] std::optional<Step> send_now(std::string_view head, std::string_view requests, MonoTime deadline);
  [[nodiscard]] std::string_view read_now(MonoTime deadline);

  // Of the one who used it last.
  std::optional<std::int64_t> selected_db;
  MonoTime last_used{};

 private:
  using Addresses = std::vector<asio::ip::tcp::endpoint>;
  [[nodiscard]] std::uint16_t port_number() const;
  [[nodiscard]] std::optional<asio::ip::tcp::endpoint> address() const;
  void try_next();
  [[nodiscard]] bool prepare(const asio::ip::tcp::endpoint& there);
  void up();
  void fail(Step step);
  void fail_later(Step step);
  // False when the socket has failed.
  [[nodiscard]] bool write_some();
  void write();
  void read();
  [[nodiscard]] bool wait_for(short events, MonoTime deadline);

  static constexpr std::size_t kReadAtOnce = 16UL * 1024;

  std::string host_;
  std::string port_;
  NameLookup lookup_;
  asio::ip::tcp::socket socket_;
  User* user_ = nullptr;
  Addresses addresses_;
  std::size_t tried_ = 0;
  std::string source_;
  bool up_ = false;
  bool reading_ = false;
  std::string_view head_;
  std::string_view requests_;
  std::array<char, kReadAtOnce> buffer_;
};

}  // namespace skein

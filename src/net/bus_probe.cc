#include <skein/net/bus_probe.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <future>
#include <memory>
#include <string_view>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include <skein/base/host_text.h>
#include <skein/cluster/bus/packet.h>

#include "quiet_thread.h"

namespace skein {

namespace {

using asio::ip::tcp;

// Nothing when the name is not found in time: the lookup itself cannot be broken off, so a thread is left to it.
std::optional<asio::ip::address> look_up(const std::string& host, milliseconds timeout) {
  asio::error_code error;
  if (auto address = asio::ip::make_address(host, error); !error) return address;
  if (!is_host(host)) return std::nullopt;
  const auto found = std::make_shared<std::promise<std::optional<asio::ip::address>>>();
  auto answer = found->get_future();
  start_quiet_thread([found, host] {
    asio::io_context loop;
    asio::error_code failed;
    const auto places = tcp::resolver(loop).resolve(host, "", failed);
    found->set_value(failed || places.empty() ? std::nullopt : std::optional(places.begin()->endpoint().address()));
  });
  if (answer.wait_for(timeout) != std::future_status::ready) return std::nullopt;
  return answer.get();
}

// A loop of its own, run until the answer is there or the time is over.
class Probe {
 public:
  explicit Probe(const BusQuestion& question) : question_(question), socket_(loop_) {}

  std::optional<std::string> run() {
    if (start()) loop_.run_for(question_.timeout);
    return std::move(answer_);
  }

 private:
  bool start() {
    const auto address = look_up(question_.host, question_.timeout);
    if (!address) return false;
    asio::error_code error;
    const tcp::endpoint there(*address, question_.port);
    socket_.open(there.protocol(), error);
    if (!error && !question_.source_address.empty()) {
      const auto source = asio::ip::make_address(question_.source_address, error);
      if (!error) socket_.bind({source, 0}, error);
    }
    if (error) return false;
    socket_.async_connect(there, [this](const asio::error_code& failed) {
      if (!failed) ask();
    });
    return true;
  }

  void ask() {
    asio::async_write(socket_, asio::buffer(question_.packet), [this](const asio::error_code& failed, std::size_t) {
      if (!failed) read();
    });
  }

  void read() {
    socket_.async_read_some(asio::buffer(buffer_), [this](const asio::error_code& failed, std::size_t got) {
      if (failed) return;
      received_.append(buffer_, got);
      const Frame frame = judge_frame(received_);
      if (frame.kind == Frame::Kind::kNeedMore) return read();
      if (frame.kind == Frame::Kind::kComplete) answer_ = received_.substr(0, frame.bytes);
    });
  }

  const BusQuestion& question_;
  asio::io_context loop_{1};
  tcp::socket socket_;
  char buffer_[16 * 1024];
  std::string received_;
  std::optional<std::string> answer_;
};

void add_interfaces(int family, std::vector<std::string>& ips) {
  ifaddrs* interfaces = nullptr;
  if (::getifaddrs(&interfaces) != 0) return;
  for (const ifaddrs* i = interfaces; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != family) continue;
    char text[INET6_ADDRSTRLEN];
    const void* address = family == AF_INET
                              ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(i->ifa_addr)->sin_addr)
                              : &reinterpret_cast<const sockaddr_in6*>(i->ifa_addr)->sin6_addr;
    if (::inet_ntop(family, address, text, sizeof text) != nullptr) ips.emplace_back(text);
  }
  ::freeifaddrs(interfaces);
}

}  // namespace

std::optional<std::string> ask_bus(const BusQuestion& question) { return Probe(question).run(); }

std::vector<std::string> listening_ips(const std::vector<std::string>& bind) {
  std::vector<std::string> ips;
  for (std::string_view text : bind) {
    if (text.starts_with('-')) text.remove_prefix(1);
    if (text == "*" || text == "0.0.0.0") {
      add_interfaces(AF_INET, ips);
    } else if (text == "::*" || text == "::") {
      add_interfaces(AF_INET6, ips);
    } else {
      ips.emplace_back(text);
    }
  }
  return ips;
}

}  // namespace skein

#include "takeover_request.h"

#include <initializer_list>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace skein {

namespace {

std::string encode(std::initializer_list<std::string_view> words) {
  std::string bytes = fmt::format("*{}\r\n", words.size());
  for (const std::string_view word : words) bytes += fmt::format("${}\r\n{}\r\n", word.size(), word);
  return bytes;
}

}  // namespace

std::shared_ptr<TakeoverRequest> TakeoverRequest::send(asio::io_context& loop, const Target& target,
                                                       std::function<void(const std::string&)> refused) {
  const std::shared_ptr<TakeoverRequest> request(new TakeoverRequest(target, std::move(refused)));
  request->socket_ = std::make_shared<PrimarySocket>(loop, *request);
  request->socket_->connect(target.host, target.port, target.source, seconds{0});
  return request;
}

TakeoverRequest::TakeoverRequest(const Target& target, std::function<void(const std::string&)> refused)
    : refused_(std::move(refused)) {
  if (!target.password.empty()) {
    words_ += target.user.empty() ? encode({"AUTH", target.password}) : encode({"AUTH", target.user, target.password});
    ++replies_wanted_;
  }
  words_ += encode({"CLUSTER", "FAILOVER"});
}

void TakeoverRequest::drop() {
  refused_ = nullptr;
  if (socket_ != nullptr) socket_->drop();
  socket_.reset();
}

void TakeoverRequest::on_socket_up() {
  socket_->send(std::move(words_));
  socket_->read(buffer_);
}

void TakeoverRequest::on_socket_read(std::size_t bytes) {
  received_.append(buffer_.data(), bytes);
  for (std::size_t end = received_.find("\r\n"); end != std::string::npos; end = received_.find("\r\n")) {
    const std::string line = received_.substr(0, end);
    received_.erase(0, end + 2);
    --replies_wanted_;
    // What an open server says to a password is not worth giving up for.
    const bool refusal = line.starts_with('-') && !(replies_wanted_ > 0 && line.starts_with("-ERR AUTH"));
    if (refusal) return refuse(line.substr(1));
    if (replies_wanted_ == 0) return;
  }
  if (socket_ != nullptr) socket_->read(buffer_);
}

void TakeoverRequest::on_socket_down(const std::string& why) { refuse(why); }

void TakeoverRequest::refuse(const std::string& why) {
  // Whoever is told may let go of this object.
  const auto self = shared_from_this();
  const auto refused = std::exchange(refused_, nullptr);
  drop();
  if (refused) refused(why);
}

}  // namespace skein

// A client of this node: its connection, its session and what lies between them.
#pragma once

#include <memory>

#include <skein/net/client_net.h>
#include <skein/resp/request_parser.h>
#include <skein/session/session.h>

namespace skein {

class ClientTurns;

class Client final : public Peer {
 public:
  Client(ClientTurns& turns, ClientNet& net, Stream stream, std::uint64_t id)
      : turns_(turns), connection_(net, std::move(stream)), session_(id, this) {
    connection_.owner = this;
  }

  [[nodiscard]] Session& session() { return session_; }
  [[nodiscard]] ClientConnection& connection() { return connection_; }
  static Client& of(ClientConnection& connection) { return *static_cast<Client*>(connection.owner); }
  static Client& of(Session& session) { return *static_cast<Client*>(session.peer()); }

  void close(bool after_replies) override;
  [[nodiscard]] InputFigures input_figures() const override;
  [[nodiscard]] OwnedBytes take_argument(std::string_view argument) override;
  void wake() override;

 private:
  friend class ClientTurns;

  ClientTurns& turns_;
  ClientConnection connection_;
  Session session_;
  RequestParser parser_;
  // Of the batch under way: how far its input has been parsed and executed, and whether a
  // request in it had to be left out.
  std::size_t parsed_ = 0;
  std::size_t executed_ = 0;
  bool left_out_ = false;
  bool starved_ = false;  // the input ends inside a request
  bool only_read_ = true; // in this turn: its replies need not wait for the turn's end
  bool ended_ = false;    // the client sends no more
  bool closed_ = false;
  // Further requests wait until half of what it is owed has been read.
  bool throttled_ = false;
  // Writes of its were executed whose replies have not been let go; then held back, as the lease to
  // write had lapsed: it executes nothing further either.
  bool wrote_ = false;
  bool held_ = false;
  std::size_t unsent_ = 0;  // of its output, as ClientTurns has counted it last
  std::size_t queued_ = 0;  // of its transaction and of a call that waits, likewise
};

}  // namespace skein

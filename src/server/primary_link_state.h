// Carries out what the machine of the link says: the socket, the full sync, the stream.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <skein/replication/replica_link.h>

#include "primary_link.h"
#include "primary_link_socket.h"
#include "primary_link_stream.h"
#include "primary_link_sync.h"

namespace skein {

class PrimaryLink::State : public std::enable_shared_from_this<State>, public PrimarySocket::Owner {
 public:
  State(Parts parts, Hooks hooks);
  ~State() override;

  void follow(std::string host, std::uint16_t port);
  bool stop();
  void stay();
  void end();
  // Nothing is told to anybody any more.
  void shut();
  void ask_to_take_over();
  void hurry() { link_.hurry(); }
  [[nodiscard]] std::string sync_trouble(MonoTime now) const;
  void acknowledge();
  void on_cron(Now now);
  void apply_settings() { link_.set(settings_of_link()); }
  [[nodiscard]] milliseconds silence(MonoTime now) const;
  [[nodiscard]] bool is_data_lost() const { return data_lost_; }
  void fill(ReplicationFacts::Primary& facts, Now now) const;
  void select_db(int db);

  [[nodiscard]] bool is_following() const { return link_.stage() != ReplicaLink::Stage::kNone; }
  [[nodiscard]] bool is_up() const { return link_.stage() == ReplicaLink::Stage::kConnected; }
  [[nodiscard]] bool is_syncing() const { return link_.stage() == ReplicaLink::Stage::kSyncing; }
  [[nodiscard]] bool is_asking_to_take_over() const { return asking_to_take_over_; }
  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::uint64_t bytes_in() const { return bytes_in_; }
  [[nodiscard]] int selected_db() const { return stream_.session().db; }

 private:
  enum class Leaving : std::uint8_t { kNot, kForNobody, kForAnother };

  void on_socket_up() override;
  void on_socket_read(std::size_t bytes) override;
  void on_socket_down(const std::string& why) override;

  // Carries out effects in order, reads on or executes, tells what has changed.
  void handle(ReplicaLink::Effects effects);
  void carry_out(ReplicaLink::Effects effects);
  void carry_out(const link_effect::Connect& effect);
  void carry_out(const link_effect::Close& effect);
  void carry_out(const link_effect::Send& effect);
  void carry_out(const link_effect::BeginFullSync& effect);
  void carry_out(const link_effect::Payload& effect);
  void carry_out(const link_effect::PayloadComplete& effect);
  void carry_out(const link_effect::AbandonFullSync& effect);
  void carry_out(const link_effect::Continue& effect);
  void carry_out(const link_effect::Stream& effect);
  void carry_out(const link_effect::Acknowledge& effect);
  void carry_out(const link_effect::TakeOverAnswered& effect);
  void carry_out(const link_effect::Say& effect);

  void fail_sync(SyncTrouble trouble, const std::string& why);
  void on_installed(FullSync::Installed installed);
  void new_data(const RdbFacts& facts);
  void forget_history();
  [[nodiscard]] static std::string one_line(std::string text);
  // Whether the link has to be kept until the data set that replaces ours is here; from then on it is left.
  bool leave_later(Leaving how);
  void go_on();
  void execute();
  void execute_later();
  void tell_changes();
  void begin_session();
  void end_session();
  void close_later();
  [[nodiscard]] std::optional<ReplicaLink::Place> place() const;
  [[nodiscard]] ReplicaLink::Settings settings_of_link() const;

  Parts parts_;
  Hooks hooks_;
  ReplicaLink link_;
  PrimaryStream stream_;
  std::string host_;
  std::uint16_t port_ = 0;
  std::shared_ptr<PrimarySocket> socket_;
  bool connected_ = false;
  bool reading_ = false;
  bool executing_later_ = false;
  bool registered_ = false;
  // Bytes of the handshake and of payloads. Those of the stream are read into its own buffer.
  std::vector<char> buffer_;
  std::unique_ptr<JobThread> jobs_;
  std::shared_ptr<FullSync> sync_;
  ReplicationId sync_id_;
  ReplOffset sync_offset_;
  // Grows when what was under way is over: effects behind it are out of date.
  std::uint64_t round_ = 0;
  bool history_lost_ = false;
  // As soon as what is being loaded is there; the other one is `host_` and `port_` already.
  Leaving leaving_ = Leaving::kNot;
  bool asking_to_take_over_ = false;
  bool was_up_ = false;
  bool has_had_data_ = false;  // of this primary, since it is followed
  bool data_lost_ = false;     // the set is empty: what was to replace it could not be loaded
  bool was_syncing_ = false;
  bool shut_ = false;
  MonoTime down_since_{};
  MonoTime payload_complete_{};
  std::uint64_t bytes_in_ = 0;
};

}  // namespace skein

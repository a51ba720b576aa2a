// The replica's side of the link to its primary: when to connect, what to say, what an answer
// means, where the payload of a full sync ends and the stream begins.
//
// Knows no sockets, no files and no data: it is told what happened and gives effects, to be
// carried out in their order. The daemon and a simulator run the same machine. What a payload
// holds, and how the stream is executed, is for its owner to judge. docs/replication.md has
// the states drawn.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/replication/sync_patience.h>

namespace skein {

namespace link_effect {

struct Connect {};  // to the primary; on_connected or on_lost tells how it went
struct Close {};    // the connection, if there is one; nothing it still brings counts
struct Send {
  std::string bytes;
};
struct BeginFullSync {
  std::optional<ReplicationId> id;  // none: the primary knows SYNC alone
  ReplOffset offset;                // of the first byte behind the payload
  std::optional<std::uint64_t> length;  // none: the payload says where it ends
};
struct Payload {
  std::string_view bytes;
};
// All of it is here: answer on_installed or on_sync_failed, later if need be. Meanwhile
// nothing has to be read.
struct PayloadComplete {};
struct AbandonFullSync {};  // what there is of it is worth nothing
struct Continue {
  std::optional<ReplicationId> id;  // the history's new name
};
struct Stream {
  std::string_view bytes;
};
struct Acknowledge {};  // tell the primary how far we are
// What the primary said to PSYNC ... FAILOVER. Taken, it is a primary, whatever it sends next.
struct TakeOverAnswered {
  bool taken;
};
struct Say {
  enum class Level : std::uint8_t { kNotice, kWarning };
  Level level;
  std::string text;
};

}  // namespace link_effect

using LinkEffect =
    std::variant<link_effect::Connect, link_effect::Close, link_effect::Send, link_effect::BeginFullSync,
                 link_effect::Payload, link_effect::PayloadComplete, link_effect::AbandonFullSync,
                 link_effect::Continue, link_effect::Stream, link_effect::Acknowledge,
                 link_effect::TakeOverAnswered, link_effect::Say>;

class ReplicaLink {
 public:
  struct Settings {
    std::string user;      // masteruser
    std::string password;  // masterauth; empty: none is sent
    std::uint16_t listening_port = 0;
    std::string announced_ip;
    nanoseconds timeout{seconds{60}};  // repl-timeout
  };
  // What we hold, and want to go on from.
  struct Place {
    ReplicationId id;
    ReplOffset offset;
  };
  enum class Stage : std::uint8_t { kNone, kWaiting, kConnecting, kHandshake, kSyncing, kConnected };
  // Views in effects are good until the next event.
  using Effects = std::vector<LinkEffect>;

  explicit ReplicaLink(Settings settings) : settings_(std::move(settings)) {}
  void set(Settings settings) { settings_ = std::move(settings); }

  // `primary` is a name for the log.
  [[nodiscard]] Effects follow(std::string primary, MonoTime now);
  [[nodiscard]] Effects stop();
  // Somebody asks for it: what is waited for is tried as soon as a link may be made again.
  void hurry();
  // The next PSYNC carries the word FAILOVER.
  void ask_to_take_over() { taking_over_ = true; }

  [[nodiscard]] Effects on_connected(MonoTime now);
  // The connection could not be made, or ended.
  [[nodiscard]] Effects on_lost(std::string_view why, MonoTime now);
  [[nodiscard]] Effects on_bytes(std::string_view bytes, const std::optional<Place>& place, MonoTime now);
  // The new data set is in place.
  [[nodiscard]] Effects on_installed(MonoTime now);
  // What was received cannot be used.
  [[nodiscard]] Effects on_sync_failed(SyncTrouble trouble, std::string_view why, MonoTime now);
  // The stream cannot be followed any further: nothing but a full sync is left.
  [[nodiscard]] Effects on_stream_broken(std::string_view why, MonoTime now);
  [[nodiscard]] Effects on_tick(MonoTime now);
  // Bytes of the stream came by another way than on_bytes.
  void note_heard(MonoTime now) { heard_ = now; }

  [[nodiscard]] Stage stage() const;
  // Bytes of the stream may be executed; false while a payload is being installed.
  [[nodiscard]] bool is_streaming() const { return std::holds_alternative<Streaming>(phase_); }
  [[nodiscard]] bool is_installing() const { return std::holds_alternative<Installing>(phase_); }
  // A primary that knows SYNC alone takes no acknowledgements.
  [[nodiscard]] bool acknowledges() const { return is_streaming() && !old_protocol_; }
  [[nodiscard]] MonoTime heard() const { return heard_; }
  // Of the payload: -1 before its length is known, 0 when it is sent without one.
  [[nodiscard]] std::int64_t payload_total() const;
  [[nodiscard]] std::int64_t payload_received() const;

  // Full syncs that were in vain, or gave a stream that could not be followed, since the last good one.
  [[nodiscard]] const SyncPatience& patience() const { return patience_; }
  // When it is tried again; nothing: it is being tried, or works.
  [[nodiscard]] std::optional<MonoTime> next_attempt() const;

 private:
  enum class Question : std::uint8_t { kPing, kAuth, kPort, kIp, kCapabilities, kPsync };

  struct Idle {};
  struct Waiting {
    MonoTime until;
  };
  struct Connecting {
    MonoTime since;
  };
  struct Introducing {
    std::vector<Question> open;  // answers to come, in order
    bool asked_for_more = false;  // PSYNC named a place
  };
  struct AwaitingPayload {
    std::optional<ReplicationId> id;
    ReplOffset offset;
  };
  struct Receiving {
    std::optional<std::uint64_t> length;
    std::uint64_t received = 0;
    std::string mark;     // what ends a payload without a length
    std::string held;     // bytes that may be the beginning of the mark
  };
  struct Installing {
    std::uint64_t received;
    std::int64_t total;
    bool lost = false;  // the connection: what is here is installed all the same
  };
  struct Streaming {
    MonoTime acknowledged;
  };
  using Phase = std::variant<Idle, Waiting, Connecting, Introducing, AwaitingPayload, Receiving, Installing, Streaming>;

  void connect(bool again, MonoTime now, Effects& effects);
  // Closes, and tries again when the time for it has come.
  void retry(MonoTime now, Effects& effects);
  void fail(std::string text, MonoTime now, Effects& effects);
  // The full sync under way has failed.
  void lose_sync(SyncTrouble trouble, std::string_view why, MonoTime now, Effects& effects);

  // Takes a line out of `bytes`; nothing while it is incomplete. A line too long ends the link.
  [[nodiscard]] std::optional<std::string> take_line(std::string_view& bytes, MonoTime now, Effects& effects);
  void on_answer(std::string line, const std::optional<Place>& place, MonoTime now, Effects& effects);
  void on_pong(const std::string& line, MonoTime now, Effects& effects);
  void on_auth_answer(const std::string& line, MonoTime now, Effects& effects);
  void on_psync_answer(const std::string& line, const std::optional<Place>& place, MonoTime now, Effects& effects);
  void on_full_resync(std::string_view rest, MonoTime now, Effects& effects);
  void on_continue(std::string_view rest, const std::optional<Place>& place, MonoTime now, Effects& effects);
  void on_psync_refused(const std::string& line, MonoTime now, Effects& effects);
  void on_payload_head(const std::string& line, MonoTime now, Effects& effects);
  void introduce(Effects& effects);
  void ask(const std::optional<Place>& place, Effects& effects);
  void take_payload(std::string_view& bytes, Effects& effects);
  void take_counted(Receiving& receiving, std::string_view& bytes, Effects& effects);
  void take_marked(Receiving& receiving, std::string_view& bytes, Effects& effects);
  void complete(Effects& effects);
  void stay_known(MonoTime now, Effects& effects);

  Settings settings_;
  std::string primary_;
  Phase phase_;
  MonoTime heard_{};
  MonoTime attempted_{};
  MonoTime said_newline_{};
  SyncPatience patience_;
  bool taking_over_ = false;
  bool old_protocol_ = false;
  std::string line_;  // the beginning of a line
  std::string kept_;  // behind the payload, until it has been installed
  std::string given_;  // what a view in an effect points to
};

}  // namespace skein

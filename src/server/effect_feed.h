// Hands the effects of this node's own writes to the replication stream, as its primary.
//
// Listens only while a backlog is open or somebody reads: without replicas writes cost nothing.
#pragma once

#include <utility>

#include <skein/command/call.h>
#include <skein/command/command.h>
#include <skein/replication/log.h>
#include <skein/replication/stream.h>

namespace skein {

class EffectFeed final : public EffectSink {
 public:
  explicit EffectFeed(ReplicationLog& log) : log_(log), writer_(log) {}

  void add(int db, std::span<const std::string_view> arguments) override { writer_.add(db, arguments); }
  void add_call(int db, std::span<const std::string_view> arguments) override { writer_.add_call(db, arguments); }
  void begin_unit() override { writer_.begin_unit(); }
  void end_unit() override { writer_.end_unit(); }
  [[nodiscard]] ReplOffset position() const override { return log_.end(); }

  // The names by which this node's clients call what was renamed are those of the stream.
  void name_commands(const CommandTable& commands) {
    StreamNames names;
    for (const Command* command : commands.renamed()) names.rename(command->name, command->called);
    writer_.set_names(std::move(names));
  }

  // Keep-alive, and the question how far each replica is.
  void ping() {
    static constexpr std::string_view kWords[] = {"PING"};
    writer_.add_bare(kWords);
  }
  void ask_acknowledgements() {
    static constexpr std::string_view kWords[] = {"REPLCONF", "GETACK", "*"};
    writer_.add_bare(kWords);
  }
  // Whoever begins to read here has selected no database: the next effect says which.
  void forget_database() { writer_.forget_database(); }
  // The stream of a former primary goes on as ours: it stands in this database.
  void set_database(int db) { writer_.set_database(db); }
  [[nodiscard]] int database() const { return writer_.database(); }

 private:
  ReplicationLog& log_;
  StreamWriter writer_;
};

}  // namespace skein

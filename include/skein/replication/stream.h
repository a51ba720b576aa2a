// Effects as the bytes of the replication stream: RESP arrays, SELECT before the first one and
// wherever the database changes, MULTI and EXEC around what leaves together.
//
// Commands are called what this node calls them (stream_names.h): its replicas have the same table.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <skein/replication/log.h>
#include <skein/replication/stream_names.h>

namespace skein {

class StreamWriter {
 public:
  explicit StreamWriter(ReplicationLog& log) : log_(log) { set_names({}); }
  void set_names(StreamNames names);

  // An effect by its command's original name.
  void add(int db, std::span<const std::string_view> arguments);
  // A call as it was made on this node: its name is the node's.
  void add_call(int db, std::span<const std::string_view> arguments);
  // What is added between them is appended as a whole, in MULTI and EXEC if it is more than one.
  void begin_unit();
  void end_unit();
  // A command of the stream itself: PING, REPLCONF GETACK. Belongs to no database.
  void add_bare(std::span<const std::string_view> arguments);

  // Whoever begins to read here has selected nothing yet.
  void forget_database() { selected_ = -1; }
  void set_database(int db) { selected_ = db; }
  [[nodiscard]] int database() const { return selected_; }

 private:
  void put(int db, std::string_view name, std::span<const std::string_view> arguments);
  void put_select(int db);
  void put_words(std::string_view name, std::span<const std::string_view> arguments);
  [[nodiscard]] bool write_straight(std::string_view name, std::span<const std::string_view> arguments);
  void append_scratch();

  ReplicationLog& log_;
  StreamNames names_;
  std::string multi_;   // as bytes of the stream
  std::string exec_;
  std::string select_;  // its name
  int selected_ = -1;
  bool in_unit_ = false;
  std::size_t in_unit_count_ = 0;
  std::string scratch_;  // the effect or unit being put together
};

}  // namespace skein

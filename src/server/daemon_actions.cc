// What handlers ask of the node beyond configuration, time and its end: clients, memory, the cluster.
#include "daemon.h"

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <unistd.h>

#include <fmt/format.h>

#include <skein/base/clock.h>

#include "process.h"

namespace skein {

void Daemon::close_session(Session& session, bool after_replies) { session.peer()->close(after_replies); }

void Daemon::stop_serving() {
  listeners_.close();
  replication_.stop();
  turns_.close_all();
  if (cluster_ != nullptr) cluster_->stop();
  loop_.stop();
}

// There is nothing to serve.
void Daemon::give_up(std::string_view why) {
  log_.warning(why);
  if (on_given_up) on_given_up(why);
  exit_code_ = 1;
  stop_serving();
}

void Daemon::free_later(std::vector<DetachedTables> tables) {
  std::size_t keys = 0;
  for (const auto& table : tables) keys += table.keys();
  if (keys == 0) return;
  lazyfree_pending_ += keys;
  // A job must be copyable; the tables travel in a shared box and die on the helper thread.
  auto box = std::make_shared<std::vector<DetachedTables>>(std::move(tables));
  jobs_.submit([box] { box->clear(); },
               [this, keys] {
                 lazyfree_pending_ -= keys;
                 lazyfreed_ += keys;
               });
}

void Daemon::carry_out_cluster_effects() {
  if (cluster_ != nullptr) cluster_->carry_out_effects(true);
}

void Daemon::carry_out_slot_move() {
  if (cluster_ != nullptr) cluster_->carry_out_slot_move();
}

NodeActions::BusLinkFigures Daemon::bus_link_figures(LinkId link) {
  if (cluster_ == nullptr) return {};
  const auto figures = cluster_->link_figures(link);
  return {figures.readable, figures.writable, figures.send_buffer_allocated, figures.send_buffer_used};
}

bool Daemon::is_cluster_saved() { return cluster_ == nullptr || cluster_->is_saved(); }

std::uint64_t Daemon::bus_links_over_limit() { return cluster_ != nullptr ? cluster_->figures().links_over_limit : 0; }

// DEBUG SLEEP stops everything, the bus as well: others are meant to see this node as failed.
void Daemon::sleep(microseconds time) {
  timespec left{time.count() / 1'000'000, (time.count() % 1'000'000) * 1000};
  while (nanosleep(&left, &left) != 0) {
  }
}

void Daemon::crash(bool by_assert) {
  if (by_assert) std::abort();
  std::raise(SIGSEGV);
  std::_Exit(1);
}

void Daemon::log_notice(std::string_view line) { log_.notice(line); }
void Daemon::log_warning(std::string_view line) { log_.warning(line); }
void Daemon::log_outsider(std::string_view cause, std::string_view line) {
  log_.outsider(cause, LogLevel::kWarning, line);
}
std::int64_t Daemon::wall_micros() { return read_wall_micros(); }
void Daemon::set_active_expire(bool on) { active_expire_ = on; }
void Daemon::change_replication_id() { replication_.change_id(); }

}  // namespace skein

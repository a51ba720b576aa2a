// The face of the link; its workings are in primary_link_state.
#include "primary_link.h"

#include <utility>

#include <skein/base/clock.h>

#include "primary_link_state.h"

namespace skein {

PrimaryLink::PrimaryLink(Parts parts, Hooks hooks) : state_(std::make_shared<State>(parts, std::move(hooks))) {}

PrimaryLink::~PrimaryLink() { state_->shut(); }

void PrimaryLink::follow(std::string host, std::uint16_t port) { state_->follow(std::move(host), port); }
bool PrimaryLink::stop() { return state_->stop(); }
void PrimaryLink::stay() { state_->stay(); }
void PrimaryLink::hurry() { state_->hurry(); }
void PrimaryLink::end() { state_->end(); }
bool PrimaryLink::is_following() const { return state_->is_following(); }
bool PrimaryLink::is_up() const { return state_->is_up(); }
bool PrimaryLink::is_syncing() const { return state_->is_syncing(); }
const std::string& PrimaryLink::host() const { return state_->host(); }
std::uint16_t PrimaryLink::port() const { return state_->port(); }
void PrimaryLink::ask_to_take_over() { state_->ask_to_take_over(); }
bool PrimaryLink::is_asking_to_take_over() const { return state_->is_asking_to_take_over(); }
std::uint64_t PrimaryLink::bytes_in() const { return state_->bytes_in(); }
void PrimaryLink::acknowledge() { state_->acknowledge(); }
void PrimaryLink::on_cron(Now now) { state_->on_cron(now); }
void PrimaryLink::apply_settings() { state_->apply_settings(); }
milliseconds PrimaryLink::silence() const { return state_->silence(read_boot_clock()); }
void PrimaryLink::fill(ReplicationFacts::Primary& facts, Now now) const { state_->fill(facts, now); }
std::string PrimaryLink::sync_trouble() const { return state_->sync_trouble(read_boot_clock()); }
bool PrimaryLink::is_data_lost() const { return state_->is_data_lost(); }
int PrimaryLink::selected_db() const { return state_->selected_db(); }
void PrimaryLink::select_db(int db) { state_->select_db(db); }

}  // namespace skein

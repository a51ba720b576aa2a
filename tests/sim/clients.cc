#include "clients.h"

#include <utility>

namespace skein::sim {

namespace {

using namespace std::chrono_literals;

constexpr nanoseconds kAnswerLimit = 1s;
constexpr int kMostRedirections = 5;
// Keys at rest have numbers that no writer has.
constexpr KeyNumber kFirstAtRest = 1'000'000;

}  // namespace

Clients::Clients(Sim& sim, std::uint64_t seed, std::vector<Slot> slots)
    : sim_(sim), random_(seed), slots_(std::move(slots)) {}

HostId Clients::any_host() {
  return HostId{static_cast<std::uint32_t>(random_.below(sim_.hosts().size()))};
}

HostId Clients::find_host(const NodeId& id) {
  const auto found = sim_.data().hosts().find(id);
  return found == sim_.data().hosts().end() ? any_host() : found->second->id();
}

void Clients::start(std::uint32_t count, nanoseconds least_pause, nanoseconds most_pause) {
  least_pause_ = least_pause;
  most_pause_ = most_pause;
  for (std::uint32_t i = 0; i < count; ++i) {
    writers_.push_back(std::make_unique<Writer>());
    writers_.back()->key = i;
    think(*writers_.back());
  }
}

void Clients::think(Writer& writer) {
  sim_.queue().after(draw_between(random_, least_pause_, most_pause_), [this, &writer] {
    if (!is_stopped_) write_next(writer);
  });
}

void Clients::write_next(Writer& writer) {
  const Slot slot = slots_[random_.below(slots_.size())];
  ++writer.value;
  const auto known = writer.owners.find(slot);
  send(writer, slot, known == writer.owners.end() ? any_host() : known->second, false, 0);
}

void Clients::send(Writer& writer, Slot slot, HostId to, bool asking, int redirections) {
  const auto request = ++writer.request;
  WriteRequest wanted{slot, writer.key, writer.value, asking, {}};
  wanted.reply = [this, &writer, slot, request, redirections](const WriteReply& reply) {
    if (request == writer.request) on_reply(writer, slot, reply, redirections);
  };
  sim_.host(to).take_request(std::move(wanted));
  sim_.queue().after(kAnswerLimit, [this, &writer, slot, request] {
    if (request != writer.request) return;
    ++writer.request;
    // Some clients hold on to whom they know, some look around.
    if (random_.one_in(2)) writer.owners.erase(slot);
    think(writer);
  });
}

void Clients::on_reply(Writer& writer, Slot slot, const WriteReply& reply, int redirections) {
  ++writer.request;
  const bool is_redirected = reply.answer == WriteAnswer::kMoved || reply.answer == WriteAnswer::kAsk;
  if (is_redirected && redirections < kMostRedirections) {
    const HostId target = find_host(reply.target);
    if (reply.answer == WriteAnswer::kMoved) writer.owners[slot] = target;
    return send(writer, slot, target, reply.answer == WriteAnswer::kAsk, redirections + 1);
  }
  if (reply.answer != WriteAnswer::kAcknowledged) writer.owners.erase(slot);
  think(writer);
}

bool Clients::put_to_rest(KeyNumber keys_each) {
  const auto missing = std::make_shared<std::size_t>(0);
  for (const Slot slot : slots_) {
    const auto owner = sim_.find_owner(slot);
    if (owner == kNobody) return false;
    for (KeyNumber i = 0; i < keys_each; ++i) {
      const KeyNumber key = kFirstAtRest + i;
      const KeyValue value = 1 + random_.below(1'000'000);
      ++*missing;
      WriteRequest request{slot, key, value, false, {}};
      request.reply = [this, slot, key, value, missing](const WriteReply& reply) {
        if (reply.answer != WriteAnswer::kAcknowledged) return;
        sim_.data().put_to_rest(slot, key, value);
        --*missing;
      };
      sim_.host(owner).take_request(std::move(request));
    }
  }
  return sim_.run_until([&] { return *missing == 0; }, 5s);
}

}  // namespace skein::sim

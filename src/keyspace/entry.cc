#include <skein/keyspace/entry.h>

#include <cstring>
#include <new>
#include <utility>

#include <skein/base/memory.h>
#include <skein/base/text.h>

namespace skein {

namespace {

// Only texts of this size can be whole 64-bit numbers.
constexpr std::size_t kMaxIntegerText = 20;

std::optional<std::int64_t> as_integer(std::string_view value) {
  if (value.empty() || value.size() > kMaxIntegerText) return std::nullopt;
  if (value[0] != '-' && (value[0] < '0' || value[0] > '9')) return std::nullopt;
  return parse_int64(value);
}

// Raw strings that are written piece by piece grow ahead of need, as much again up to 1 MiB.
std::size_t room_for(std::size_t size) {
  constexpr std::size_t kMaxSpare = 1024 * 1024;
  return allocation_size(size + std::min(size, kMaxSpare));
}

}  // namespace

std::size_t Entry::Shape::value_bytes() const {
  switch (storage) {
    case Storage::kEmbedded: return embedded;
    case Storage::kInteger: return sizeof(std::int64_t);
    case Storage::kExternal: return sizeof(External);
  }
  return 0;
}

Entry::Shape Entry::shape() const { return {key().size(), has_expiry(), storage(), embedded_size_}; }

std::size_t Entry::allocated() const {
  return units_ != 0 ? std::size_t{units_} * 16 : allocation_size(shape().total());
}

// Header and flags are set; expiry, key and value are the caller's to write.
Entry* Entry::allocate_shape(const Shape& shape) {
  const std::size_t total = shape.total();
  const std::size_t room = allocation_size(total);
  auto* entry = static_cast<Entry*>(allocate(room));
  entry->kind_ = 0;
  entry->flags_ = shape.flags();
  entry->units_ = shape.long_key() ? 0 : static_cast<std::uint8_t>(room / 16);
  entry->key_size_ = shape.long_key() ? 0 : static_cast<std::uint8_t>(shape.key_size);
  entry->set_access_clock({});
  entry->embedded_size_ = static_cast<std::uint8_t>(shape.embedded);
  if (shape.long_key()) {
    store(entry->body() + (shape.expiry ? 8 : 0), static_cast<std::uint32_t>(shape.key_size));
  }
  return entry;
}

// Changes what follows the key: in place when it fits without wasting half of the room,
// else in a new allocation. The value area's content is undefined afterwards; expiry, key
// and clock are kept (a new expiry is undefined).
Entry* Entry::reshape(Entry* entry, const Shape& to) {
  const Shape from = entry->shape();
  const std::size_t total = to.total();
  const std::size_t have = entry->allocated();
  const bool fits = !to.long_key() ? total <= have && total * 2 + 32 > have : allocation_size(total) == have;
  if (!fits) {
    Entry* fresh = allocate_shape(to);
    fresh->kind_ = entry->kind_;
    fresh->set_access_clock(entry->access_clock());
    if (from.expiry && to.expiry) store(fresh->body(), load<std::int64_t>(entry->body()));
    std::memcpy(reinterpret_cast<char*>(fresh) + to.key_offset(), entry->key().data(), from.key_size);
    release(entry, have);
    return fresh;
  }
  if (from.expiry != to.expiry) {
    std::memmove(reinterpret_cast<char*>(entry) + to.key_offset(), entry->key().data(), from.key_size);
    if (to.long_key()) store(entry->body() + (to.expiry ? 8 : 0), static_cast<std::uint32_t>(to.key_size));
  }
  entry->flags_ = static_cast<std::uint8_t>(to.flags() | (entry->flags_ & kCountsUsesFlag));
  entry->embedded_size_ = static_cast<std::uint8_t>(to.embedded);
  return entry;
}

void Entry::free_external() {
  if (storage() != Storage::kExternal) return;
  const auto external = load<External>(value_area());
  release(external.data, external.capacity);
}

Entry* Entry::allocate_keyed(const Shape& shape, std::string_view key, std::optional<UnixMillis> expiry) {
  Entry* entry = allocate_shape(shape);
  if (expiry) store(entry->body(), expiry->value);
  std::memcpy(reinterpret_cast<char*>(entry) + shape.key_offset(), key.data(), key.size());
  return entry;
}

Entry* Entry::create_integer(std::string_view key, std::int64_t value, std::optional<UnixMillis> expiry) {
  const Shape shape{key.size(), expiry.has_value(), Storage::kInteger, 0};
  Entry* entry = allocate_keyed(shape, key, expiry);
  entry->set_kind(ValueType::kString, Encoding::kInt);
  store(reinterpret_cast<char*>(entry) + shape.key_offset() + key.size(), value);
  return entry;
}

Entry::External Entry::external_of(std::string_view value, OwnedBytes own) {
  if (own) {
    const std::size_t capacity = own.capacity();
    return {own.let_go(), value.size(), capacity};
  }
  const std::size_t room = allocation_size(value.size());
  const External external{static_cast<char*>(allocate(room)), value.size(), room};
  std::memcpy(external.data, value.data(), value.size());
  return external;
}

Entry* Entry::create(std::string_view key, std::string_view value, std::optional<UnixMillis> expiry, OwnedBytes own) {
  const auto number = as_integer(value);
  Shape shape{key.size(), expiry.has_value(), Storage::kEmbedded, value.size()};
  // A long key's allocation is computed from its shape, which an embedded value would let drift.
  if (number) {
    shape.storage = Storage::kInteger;
  } else if (value.size() > kMaxEmbedded || shape.long_key()) {
    shape.storage = Storage::kExternal;
  }
  if (shape.storage != Storage::kEmbedded) shape.embedded = 0;
  Entry* entry = allocate_keyed(shape, key, expiry);
  char* area = reinterpret_cast<char*>(entry) + shape.key_offset() + key.size();
  switch (shape.storage) {
    case Storage::kInteger:
      entry->set_kind(ValueType::kString, Encoding::kInt);
      store(area, *number);
      break;
    case Storage::kEmbedded:
      entry->set_kind(ValueType::kString, value.size() <= kEmbstrLimit ? Encoding::kEmbstr : Encoding::kRaw);
      std::memcpy(area, value.data(), value.size());
      break;
    case Storage::kExternal:
      entry->set_kind(ValueType::kString, value.size() <= kEmbstrLimit ? Encoding::kEmbstr : Encoding::kRaw);
      store(area, external_of(value, std::move(own)));
      break;
  }
  return entry;
}

void Entry::destroy(Entry* entry) {
  entry->free_external();
  release(entry, entry->allocated());
}

Entry* Entry::copy_as(const Entry& from, std::string_view key) {
  Scratch scratch;
  const auto expiry = from.has_expiry() ? std::optional(from.expiry()) : std::nullopt;
  const std::string_view value = from.bytes(scratch);
  Entry* copy = create(key, value, expiry);
  // Digits kept as text (an appended value, a float's sum) stay text: the copy answers
  // OBJECT ENCODING alike.
  if (copy->is_integer() != from.is_integer()) copy = assign_text(copy, value);
  copy->set_kind(from.type(), from.is_integer() ? Encoding::kCopiedInt : from.encoding());
  copy->set_access_clock(from.access_clock());
  return copy;
}

Entry* Entry::with_key(Entry* entry, std::string_view key) {
  Shape to = entry->shape();
  to.key_size = key.size();
  // Beside a long key no value is embedded.
  const bool moves_out = to.storage == Storage::kEmbedded && to.long_key();
  if (moves_out) {
    to.storage = Storage::kExternal;
    to.embedded = 0;
  }
  Entry* fresh = allocate_shape(to);
  fresh->kind_ = entry->kind_;
  fresh->set_access_clock(entry->access_clock());
  if (to.expiry) store(fresh->body(), load<std::int64_t>(entry->body()));
  std::memcpy(reinterpret_cast<char*>(fresh) + to.key_offset(), key.data(), key.size());
  if (moves_out) {
    const std::size_t size = entry->embedded_size_;
    const std::size_t room = allocation_size(size);
    const External external{static_cast<char*>(allocate(room)), size, room};
    std::memcpy(external.data, entry->value_area(), size);
    store(fresh->value_area(), external);
  } else {
    std::memcpy(fresh->value_area(), entry->value_area(), to.value_bytes());
  }
  release(entry, entry->allocated());
  return fresh;
}

Entry* Entry::assign(Entry* entry, std::string_view value, bool keep_expiry, OwnedBytes own) {
  const auto number = as_integer(value);
  Shape to = entry->shape();
  const bool was_external = to.storage == Storage::kExternal;
  to.expiry = to.expiry && keep_expiry;
  if (number) {
    to.storage = Storage::kInteger;
  } else if (value.size() > kMaxEmbedded || to.long_key()) {
    to.storage = Storage::kExternal;
  } else {
    to.storage = Storage::kEmbedded;
  }
  to.embedded = to.storage == Storage::kEmbedded ? value.size() : 0;

  External external{};
  if (was_external) external = load<External>(entry->value_area());
  entry = reshape(entry, to);
  char* area = entry->value_area();
  if (to.storage == Storage::kExternal) {
    const bool reuse = was_external && !own && value.size() <= external.capacity && value.size() * 2 >= external.capacity;
    if (reuse) {
      external.size = value.size();
      std::memcpy(external.data, value.data(), value.size());
    } else {
      if (was_external) release(external.data, external.capacity);
      external = external_of(value, std::move(own));
    }
    store(area, external);
  } else {
    if (was_external) release(external.data, external.capacity);
    if (number) {
      store(area, *number);
    } else {
      std::memcpy(area, value.data(), value.size());
    }
  }
  const Encoding encoding = number                           ? Encoding::kInt
                            : value.size() <= kEmbstrLimit ? Encoding::kEmbstr
                                                           : Encoding::kRaw;
  entry->set_kind(ValueType::kString, encoding);
  return entry;
}

Entry* Entry::assign_integer(Entry* entry, std::int64_t value) {
  if (!entry->is_integer()) {
    entry->free_external();
    Shape to = entry->shape();
    to.storage = Storage::kInteger;
    to.embedded = 0;
    entry = reshape(entry, to);
  }
  entry->set_kind(ValueType::kString, Encoding::kInt);
  store(entry->value_area(), value);
  return entry;
}

Entry* Entry::set_expiry(Entry* entry, std::optional<UnixMillis> expiry) {
  Shape to = entry->shape();
  if (to.expiry != expiry.has_value()) {
    // Reshaping leaves the value area undefined, so it travels apart from it.
    std::array<char, kMaxEmbedded> value;
    const std::size_t size = to.value_bytes();
    std::memcpy(value.data(), entry->value_area(), size);
    to.expiry = expiry.has_value();
    entry = reshape(entry, to);
    std::memcpy(entry->value_area(), value.data(), size);
  }
  if (expiry) store(entry->body(), expiry->value);
  return entry;
}

Entry* Entry::resize_raw(Entry* entry, std::size_t size) {
  Shape to = entry->shape();
  Scratch scratch;
  if (to.storage != Storage::kExternal) {
    std::array<char, kMaxEmbedded> old;
    const std::string_view before = entry->bytes(scratch);
    const std::size_t kept = std::min(before.size(), size);
    std::memcpy(old.data(), before.data(), kept);
    const bool embed = size <= kMaxEmbedded && !to.long_key();
    to.storage = embed ? Storage::kEmbedded : Storage::kExternal;
    to.embedded = embed ? size : 0;
    entry = reshape(entry, to);
    char* data = entry->value_area();
    if (!embed) {
      const std::size_t room = room_for(size);
      const External external{static_cast<char*>(allocate(room)), size, room};
      store(data, external);
      data = external.data;
    }
    std::memcpy(data, old.data(), kept);
    std::memset(data + kept, 0, size - kept);
  } else {
    auto external = load<External>(entry->value_area());
    if (size > external.capacity) {
      const std::size_t room = room_for(size);
      auto* data = static_cast<char*>(allocate(room));
      std::memcpy(data, external.data, external.size);
      release(external.data, external.capacity);
      external.data = data;
      external.capacity = room;
    }
    if (size > external.size) std::memset(external.data + external.size, 0, size - external.size);
    external.size = size;
    store(entry->value_area(), external);
  }
  entry->set_kind(ValueType::kString, Encoding::kRaw);
  return entry;
}

Entry* Entry::assign_text(Entry* entry, std::string_view text) {
  entry = resize_raw(entry, text.size());
  std::memcpy(entry->mutable_bytes(), text.data(), text.size());
  if (text.size() <= kEmbstrLimit) entry->set_kind(ValueType::kString, Encoding::kEmbstr);
  return entry;
}

std::string_view Entry::bytes(Scratch& scratch) const {
  switch (storage()) {
    case Storage::kEmbedded: return {value_area(), embedded_size_};
    case Storage::kInteger: return {scratch.data(), write_int64(scratch.data(), integer())};
    case Storage::kExternal: break;
  }
  const auto external = load<External>(value_area());
  return {external.data, external.size};
}

std::size_t Entry::size() const {
  Scratch scratch;
  return bytes(scratch).size();
}

char* Entry::mutable_bytes() {
  return storage() == Storage::kExternal ? load<External>(value_area()).data : value_area();
}

std::size_t Entry::memory() const {
  return allocated() + (storage() == Storage::kExternal ? load<External>(value_area()).capacity : 0);
}

}  // namespace skein

#include <skein/keyspace/bucket_shelves.h>

#include <algorithm>

#include <skein/base/assert.h>

namespace skein {

namespace {

std::size_t bytes_of(std::size_t arrays, std::uint32_t length) { return arrays * length * sizeof(Bucket); }

}  // namespace

// A sixteenth of what there is, so that the empty end of a shelf is a small share of it; of about that
// many the number that leaves least of the allocator's size class unused.
std::uint32_t block_arrays(std::uint32_t length, std::size_t arrays) {
  constexpr std::size_t kEnough = 128 * 1024;
  const std::size_t most = std::max<std::size_t>(kEnough / bytes_of(1, length), 1);
  const std::size_t least = std::clamp<std::size_t>(arrays / 16, 1, most);
  std::size_t best = least;
  double best_used = 0;
  for (std::size_t count = least; count < 2 * least; ++count) {
    const std::size_t bytes = bytes_of(count, length);
    const double used = static_cast<double>(bytes) / static_cast<double>(allocation_size(bytes));
    // A larger block has to be better by something.
    if (used < best_used + 0.005) continue;
    best = count;
    best_used = used;
  }
  return static_cast<std::uint32_t>(best);
}

BucketShelves::BucketShelves(std::size_t owners) : places_(owners) { SKEIN_ASSERT(owners <= kMostOwners); }

BucketShelves::~BucketShelves() {
  for (std::uint32_t length = 0; length < kLengths; ++length) {
    for (const Block& block : shelves_[length].blocks) release_lines(block.memory, bytes_of(block.arrays, length));
  }
}

BucketShelves::Resized BucketShelves::resize(std::uint16_t owner, Bucket* array, std::uint32_t from, std::uint32_t to,
                                             std::uint32_t used) {
  if (from == to) return {array, std::nullopt};
  const std::uint16_t old_place = places_[owner];
  Resized resized{};
  if (to > 0) resized.array = add(owner, to);
  if (to > 0 && used > 0) std::memcpy(static_cast<void*>(resized.array), array, bytes_of(used, 1));
  if (from > 0) resized.moved = take_away(old_place, array, from);
  return resized;
}

Bucket* BucketShelves::add(std::uint16_t owner, std::uint32_t length) {
  SKEIN_ASSERT(length < kLengths);
  Shelf& shelf = shelves_[length];
  if (shelf.blocks.empty() || shelf.in_last == shelf.blocks.back().arrays) {
    const std::uint32_t arrays = block_arrays(length, shelf.owners.size());
    shelf.blocks.push_back({static_cast<Bucket*>(allocate_lines(bytes_of(arrays, length))), arrays});
    shelf.in_last = 0;
  }
  places_[owner] = static_cast<std::uint16_t>(shelf.owners.size());
  shelf.owners.push_back(owner);
  return shelf.blocks.back().memory + std::size_t{length} * shelf.in_last++;
}

std::optional<BucketShelves::Moved> BucketShelves::take_away(std::uint16_t place, Bucket* array, std::uint32_t length) {
  Shelf& shelf = shelves_[length];
  SKEIN_ASSERT(shelf.in_last > 0);
  const Block last = shelf.blocks.back();
  Bucket* const end = last.memory + std::size_t{length} * (shelf.in_last - 1);
  std::optional<Moved> moved;
  if (array != end) {
    const std::uint16_t owner = shelf.owners.back();
    std::memcpy(static_cast<void*>(array), end, bytes_of(1, length));
    shelf.owners[place] = owner;
    places_[owner] = place;
    moved = Moved{owner, array};
  }
  shelf.owners.pop_back();
  // Tables pass through many lengths as they grow: what each shelf remembers goes as its arrays do.
  constexpr std::size_t kFew = 256;
  const std::size_t room = shelf.owners.capacity();
  if (room > kFew && shelf.owners.size() * 4 <= room) shelf.owners.shrink_to_fit();
  if (--shelf.in_last == 0) {
    release_lines(last.memory, bytes_of(last.arrays, length));
    shelf.blocks.pop_back();
    if (!shelf.blocks.empty()) shelf.in_last = shelf.blocks.back().arrays;
  }
  return moved;
}

}  // namespace skein

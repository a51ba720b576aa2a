// Hashing of keys: XXH3 with a seed drawn at start, so that nobody outside can choose
// keys that meet in one bucket.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <skein/keyspace/database.h>

namespace skein {

std::uint64_t hash_key(std::string_view key, std::uint64_t seed) {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

}  // namespace skein

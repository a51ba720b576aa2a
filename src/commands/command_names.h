// The words the protocol has for the bits of specs, in the order redis lists them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <skein/command/spec.h>

namespace skein {

struct BitName {
  std::uint32_t bit;
  std::string_view name;
};

inline constexpr BitName kFlagNames[] = {
    {flag::kWrite, "write"},
    {flag::kReadOnly, "readonly"},
    {flag::kDenyOom, "denyoom"},
    {flag::kAdmin, "admin"},
    {flag::kPubsub, "pubsub"},
    {flag::kNoScript, "noscript"},
    {flag::kBlocking, "blocking"},
    {flag::kLoading, "loading"},
    {flag::kStale, "stale"},
    {flag::kSkipMonitor, "skip_monitor"},
    {flag::kSkipSlowlog, "skip_slowlog"},
    {flag::kAsking, "asking"},
    {flag::kFast, "fast"},
    {flag::kNoAuth, "no_auth"},
    {flag::kNoMandatoryKeys, "no_mandatory_keys"},
    {flag::kNoAsyncLoading, "no_async_loading"},
    {flag::kNoMulti, "no_multi"},
    {flag::kAllowBusy, "allow_busy"},
};

inline constexpr BitName kCategoryNames[] = {
    {category::kKeyspace, "keyspace"},       {category::kRead, "read"},
    {category::kWrite, "write"},             {category::kSet, "set"},
    {category::kSortedSet, "sortedset"},     {category::kList, "list"},
    {category::kHash, "hash"},               {category::kString, "string"},
    {category::kBitmap, "bitmap"},           {category::kHyperLogLog, "hyperloglog"},
    {category::kGeo, "geo"},                 {category::kStream, "stream"},
    {category::kPubsub, "pubsub"},           {category::kAdmin, "admin"},
    {category::kFast, "fast"},               {category::kSlow, "slow"},
    {category::kBlocking, "blocking"},       {category::kDangerous, "dangerous"},
    {category::kConnection, "connection"},   {category::kTransaction, "transaction"},
    {category::kScripting, "scripting"},
};

inline constexpr BitName kKeyUseNames[] = {
    {key_use::kReadOnly, "RO"},      {key_use::kReadWrite, "RW"},       {key_use::kOverwrite, "OW"},
    {key_use::kRemove, "RM"},        {key_use::kAccess, "access"},      {key_use::kUpdate, "update"},
    {key_use::kInsert, "insert"},    {key_use::kDelete, "delete"},      {key_use::kNotKey, "not_key"},
    {key_use::kIncomplete, "incomplete"}, {key_use::kVariable, "variable_flags"},
};

// The bit of a category by its name in any case; 0 when there is none.
[[nodiscard]] std::uint32_t find_category(std::string_view name);

}  // namespace skein

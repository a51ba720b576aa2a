#include <skein/config/later_directives.h>

#include <array>
#include <utility>

#include <skein/base/text.h>

namespace skein {

namespace {

using Later = std::pair<std::string_view, std::string_view>;

constexpr std::array kLater{
    Later{"cluster-announce-human-nodename", "Redis 7.2"},
    Later{"locale-collate", "Redis 7.2"},
    Later{"set-max-listpack-entries", "Redis 7.2"},
    Later{"set-max-listpack-value", "Redis 7.2"},
    Later{"hide-user-data-from-log", "Redis 7.4"},
    Later{"max-new-connections-per-cycle", "Redis 7.4"},
    Later{"max-new-tls-connections-per-cycle", "Redis 7.4"},
    Later{"cluster-compatibility-sample-ratio", "Redis 8.0"},
    Later{"lazyexpire-nested-arbitrary-keys", "Redis 8.0"},
    Later{"replica-full-sync-buffer-limit", "Redis 8.0"},
    Later{"repl-rdb-channel", "Redis 8.0"},
    Later{"vset-force-single-threaded-execution", "Redis 8.0"},
    Later{"cluster-slot-stats-enabled", "Redis 8.2 and Valkey 8.0"},
    Later{"availability-zone", "Valkey 8.0"},
    Later{"cluster-announce-client-ipv4", "Valkey 8.0"},
    Later{"cluster-announce-client-ipv6", "Valkey 8.0"},
    Later{"cluster-blacklist-ttl", "Valkey 8.0"},
    Later{"dual-channel-replication-enabled", "Valkey 8.0"},
    Later{"events-per-io-thread", "Valkey 8.0"},
    Later{"extended-redis-compatibility", "Valkey 8.0"},
    Later{"prefetch-batch-max-size", "Valkey 8.0"},
    Later{"primaryauth", "Valkey 8.0, which calls masterauth so"},
    Later{"primaryuser", "Valkey 8.0, which calls masteruser so"},
    Later{"unixsocketgroup", "Valkey 8.0"},
    Later{"cluster-manual-failover-timeout", "Valkey 8.1"},
    Later{"commandlog-execution-slower-than", "Valkey 8.1"},
    Later{"commandlog-large-reply-max-len", "Valkey 8.1"},
    Later{"commandlog-large-request-max-len", "Valkey 8.1"},
    Later{"commandlog-reply-larger-than", "Valkey 8.1"},
    Later{"commandlog-request-larger-than", "Valkey 8.1"},
    Later{"commandlog-slow-execution-max-len", "Valkey 8.1"},
    Later{"import-mode", "Valkey 8.1"},
    Later{"log-format", "Valkey 8.1"},
    Later{"log-timestamp-format", "Valkey 8.1"},
    Later{"rdb-version-check", "Valkey 8.1"},
    Later{"rdma-bind", "Valkey 8.1"},
    Later{"rdma-completion-vector", "Valkey 8.1"},
    Later{"rdma-port", "Valkey 8.1"},
    Later{"rdma-rx-size", "Valkey 8.1"},
    Later{"auto-failover-on-shutdown", "Valkey 9.0"},
    Later{"cluster-databases", "Valkey 9.0"},
};

}  // namespace

std::string_view came_later_in(std::string_view name) {
  for (const auto& [known, since] : kLater) {
    if (equals_ignore_case(known, name)) return since;
  }
  return {};
}

}  // namespace skein

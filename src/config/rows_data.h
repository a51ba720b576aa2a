// Rows of the directive table: keyspace, memory, encodings, scripts, snapshots and the
// append-only file.
#pragma once

#include <array>

#include "rows_server.h"

namespace skein {

inline constexpr std::string_view kPolicyWords[] = {"volatile-lru",   "volatile-lfu", "volatile-random",
                                                    "volatile-ttl",   "allkeys-lru",  "allkeys-lfu",
                                                    "allkeys-random", "noeviction"};
inline constexpr std::string_view kFsyncWords[] = {"everysec", "always", "no"};

inline constexpr std::array kKeyspaceRows{
    integer<&S::databases>("databases", "16", 1, kIntMax).at_start().acts(),
    with_field(integer<&S::hz>("hz", "10", 0, kIntMax), kHzField).acts().noted("taken as 1 to 500"),
    boolean<&S::dynamic_hz>("dynamic-hz", "yes"),
    boolean<&S::activerehashing>("activerehashing", "yes"),
    integer<&S::active_expire_effort>("active-expire-effort", "1", 1, 10),
    boolean<&S::lazyfree_lazy_eviction>("lazyfree-lazy-eviction", "no"),
    boolean<&S::lazyfree_lazy_expire>("lazyfree-lazy-expire", "no"),
    boolean<&S::lazyfree_lazy_server_del>("lazyfree-lazy-server-del", "no"),
    boolean<&S::lazyfree_lazy_user_del>("lazyfree-lazy-user-del", "no"),
    boolean<&S::lazyfree_lazy_user_flush>("lazyfree-lazy-user-flush", "no").acts(),
    special("notify-keyspace-events", "", kNotifyField),
};

inline constexpr std::array kMemoryRows{
    memory<&S::maxmemory>("maxmemory", "0", 0, UINT64_MAX).acts(),
    choice<&S::maxmemory_policy>("maxmemory-policy", "noeviction", kPolicyWords).acts(),
    integer<&S::maxmemory_samples>("maxmemory-samples", "5", 1, kIntMax).acts(),
    integer<&S::maxmemory_eviction_tenacity>("maxmemory-eviction-tenacity", "10", 0, 100).acts(),
    integer<&S::lfu_log_factor>("lfu-log-factor", "10", 0, kIntMax).acts(),
    integer<&S::lfu_decay_time>("lfu-decay-time", "1", 0, kIntMax).acts(),
    boolean<&S::activedefrag>("activedefrag", "no").checked(check_activedefrag),
    integer<&S::active_defrag_cycle_min>("active-defrag-cycle-min", "1", 1, 99),
    integer<&S::active_defrag_cycle_max>("active-defrag-cycle-max", "25", 1, 99),
    integer<&S::active_defrag_threshold_lower>("active-defrag-threshold-lower", "10", 0, 1000),
    integer<&S::active_defrag_threshold_upper>("active-defrag-threshold-upper", "100", 0, 1000),
    integer<&S::active_defrag_max_scan_fields>("active-defrag-max-scan-fields", "1000", 1, kLongMax),
    memory<&S::active_defrag_ignore_bytes>("active-defrag-ignore-bytes", "104857600", 1, kLongMax),
    boolean<&S::jemalloc_bg_thread>("jemalloc-bg-thread", "yes"),
};

inline constexpr std::array kEncodingRows{
    integer<&S::hash_max_listpack_entries>("hash-max-listpack-entries", "512", 0, kLongMax)
        .also("hash-max-ziplist-entries"),
    memory<&S::hash_max_listpack_value>("hash-max-listpack-value", "64", 0, kLongMax)
        .also("hash-max-ziplist-value"),
    integer<&S::list_max_listpack_size>("list-max-listpack-size", "-2", INT_MIN, kIntMax)
        .also("list-max-ziplist-size"),
    integer<&S::list_compress_depth>("list-compress-depth", "0", 0, kIntMax),
    integer<&S::set_max_intset_entries>("set-max-intset-entries", "512", 0, kLongMax),
    integer<&S::zset_max_listpack_entries>("zset-max-listpack-entries", "128", 0, kLongMax)
        .also("zset-max-ziplist-entries"),
    memory<&S::zset_max_listpack_value>("zset-max-listpack-value", "64", 0, kLongMax)
        .also("zset-max-ziplist-value"),
    memory<&S::hll_sparse_max_bytes>("hll-sparse-max-bytes", "3000", 0, kLongMax),
    memory<&S::stream_node_max_bytes>("stream-node-max-bytes", "4096", 0, kLongMax),
    integer<&S::stream_node_max_entries>("stream-node-max-entries", "100", 0, kLongMax),
};

inline constexpr std::array kScriptRows{
    integer<&S::busy_reply_threshold>("busy-reply-threshold", "5000", 0, kLongMax).also("lua-time-limit"),
    boolean<&S::lua_enable_deprecated_api>("lua-enable-deprecated-api", "no").at_start().trait(kHidden),
};

inline constexpr std::array kPersistenceRows{
    special("save", "3600 1 300 100 60 10000", kSaveField)
        .trait(kManyWords | kRepeats)
        .acts(),
    text<&S::dbfilename>("dbfilename", "dump.rdb")
        .trait(kProtected | kEmptyIsValue)
        .checked(check_dbfilename)
        .acts(),
    boolean<&S::rdbcompression>("rdbcompression", "yes").acts(),
    boolean<&S::rdbchecksum>("rdbchecksum", "yes").at_start().acts(),
    boolean<&S::rdb_del_sync_files>("rdb-del-sync-files", "no").acts(),
    boolean<&S::rdb_save_incremental_fsync>("rdb-save-incremental-fsync", "yes").acts(),
    boolean<&S::stop_writes_on_bgsave_error>("stop-writes-on-bgsave-error", "yes").acts(),
    integer<&S::rdb_key_save_delay>("rdb-key-save-delay", "0", INT_MIN, kIntMax).trait(kHidden).acts(),
    integer<&S::key_load_delay>("key-load-delay", "0", INT_MIN, kIntMax).trait(kHidden),
    memory<&S::loading_process_events_interval_bytes>("loading-process-events-interval-bytes", "2097152",
                                                      1024, kIntMax)
        .trait(kHidden),
    boolean<&S::appendonly>("appendonly", "no")
        .trait(kNotWhileLoading)
        .not_while_running("yes")
        .noted("there is no append-only file yet; yes stops the start where there is one of redis's"),
    text<&S::appendfilename>("appendfilename", "appendonly.aof").at_start().checked(check_appendfilename),
    text<&S::appenddirname>("appenddirname", "appendonlydir").at_start().checked(check_appenddirname),
    choice<&S::appendfsync>("appendfsync", "everysec", kFsyncWords),
    boolean<&S::no_appendfsync_on_rewrite>("no-appendfsync-on-rewrite", "no"),
    integer<&S::auto_aof_rewrite_percentage>("auto-aof-rewrite-percentage", "100", 0, kIntMax),
    memory<&S::auto_aof_rewrite_min_size>("auto-aof-rewrite-min-size", "67108864", 0, kLongMax),
    boolean<&S::aof_rewrite_incremental_fsync>("aof-rewrite-incremental-fsync", "yes"),
    boolean<&S::aof_load_truncated>("aof-load-truncated", "yes"),
    boolean<&S::aof_use_rdb_preamble>("aof-use-rdb-preamble", "yes"),
    boolean<&S::aof_timestamp_enabled>("aof-timestamp-enabled", "no"),
    boolean<&S::aof_disable_auto_gc>("aof-disable-auto-gc", "no"),
};

}  // namespace skein

#include "fixture.h"

namespace skein {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Persistence : public CommandTest {
 protected:
  std::string info() { return run("INFO", "persistence"); }
};

TEST_F(Persistence, SaveWaits) {
  EXPECT_EQ(run("SAVE"), ok());
  EXPECT_THAT(snapshots.asked, ElementsAre("save"));
  EXPECT_EQ(run("SAVE", "now"), error("ERR wrong number of arguments for 'save' command"));
}

TEST_F(Persistence, AFailedSaveSaysNoMoreThanThat) {
  snapshots.refusal = "no room";
  EXPECT_EQ(run("SAVE"), "-ERR\r\n");
  EXPECT_EQ(run("BGSAVE"), "-ERR\r\n");
}

TEST_F(Persistence, NoSaveBesideAChild) {
  snapshots.child = true;
  EXPECT_EQ(run("SAVE"), error("ERR Background save already in progress"));
  EXPECT_EQ(run("BGSAVE"), error("ERR Background save already in progress"));
  EXPECT_EQ(run("BGSAVE", "SCHEDULE"), error("ERR Background save already in progress"));
  EXPECT_THAT(snapshots.asked, IsEmpty());
}

TEST_F(Persistence, BackgroundSave) {
  EXPECT_EQ(run("BGSAVE"), status("Background saving started"));
  EXPECT_EQ(run("BGSAVE", "schedule"), status("Background saving started"));
  EXPECT_EQ(run("BGSAVE", "later"), error("ERR syntax error"));
  EXPECT_EQ(run("BGSAVE", "SCHEDULE", "x"), error("ERR syntax error"));
  EXPECT_THAT(snapshots.asked, ElementsAre("background save", "background save"));
}

TEST_F(Persistence, InsideATransactionTheSnapshotIsMadeAfterIt) {
  run("MULTI");
  EXPECT_EQ(run("BGSAVE"), queued());
  EXPECT_EQ(run("SAVE"), error("ERR Command not allowed inside a transaction"));
  run("DISCARD");
  run("MULTI");
  run("BGSAVE");
  EXPECT_EQ(run("EXEC"), array({status("Background saving scheduled")}));
  EXPECT_THAT(snapshots.asked, ElementsAre("schedule"));
}

TEST_F(Persistence, SavingIsNoEffectForReplicas) {
  run("SET", "k", "v");
  (void)take_effects();
  run("SAVE");
  run("DEBUG", "RELOAD");
  EXPECT_THAT(take_effects(), IsEmpty());
}

TEST_F(Persistence, Lastsave) {
  snapshots.facts.last_save_unix = 1'700'000'123;
  EXPECT_EQ(run("LASTSAVE"), integer(1'700'000'123));
  facts.gates |= gate::kLoading;
  EXPECT_EQ(run("LASTSAVE"), integer(1'700'000'123));
  EXPECT_THAT(run("SAVE"), HasSubstr("-LOADING"));
}

TEST_F(Persistence, DebugReload) {
  EXPECT_EQ(run("DEBUG", "RELOAD"), ok());
  EXPECT_EQ(run("DEBUG", "RELOAD", "NOSAVE", "noflush", "merge"), ok());
  EXPECT_EQ(run("DEBUG", "RELOAD", "fast"),
            error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."));
  EXPECT_THAT(snapshots.asked, ElementsAre("reload save=true flush=true merge=false",
                                           "reload save=false flush=false merge=true"));
  snapshots.refusal = "ERR Error trying to load the RDB dump, check server logs.";
  EXPECT_EQ(run("DEBUG", "RELOAD"), error("ERR Error trying to load the RDB dump, check server logs."));
}

TEST_F(Persistence, WhileSnapshotsFailWritesAndPingAreRefused) {
  facts.gates |= gate::kDisk;
  EXPECT_THAT(run("SET", "k", "v"), HasSubstr("-MISCONF Redis is configured to save RDB snapshots"));
  EXPECT_THAT(run("PING"), HasSubstr("-MISCONF"));
  EXPECT_EQ(run("GET", "k"), null());
  EXPECT_EQ(run("ECHO", "x"), bulk("x"));
  EXPECT_EQ(run("BGSAVE"), status("Background saving started"));
}

TEST_F(Persistence, InfoWhileNothingHappens) {
  EXPECT_THAT(info(), HasSubstr("loading:0\r\nasync_loading:0\r\ncurrent_cow_peak:0\r\n"));
  EXPECT_THAT(info(), HasSubstr("rdb_bgsave_in_progress:0\r\n"));
  EXPECT_THAT(info(), HasSubstr("rdb_last_bgsave_status:ok\r\nrdb_last_bgsave_time_sec:-1\r\n"
                                "rdb_current_bgsave_time_sec:-1\r\n"));
  EXPECT_THAT(info(), Not(HasSubstr("loading_start_time")));
}

TEST_F(Persistence, InfoOfAChild) {
  PersistenceFacts& facts_shown = snapshots.facts;
  facts_shown.saving = true;
  facts_shown.saving_seconds = 7;
  facts_shown.cow_peak = 3'000'000;
  facts_shown.cow_now = 2'000'000;
  facts_shown.cow_age_seconds = 2;
  facts_shown.fork_percent = 12.5;
  facts_shown.keys_processed = 10;
  facts_shown.keys_total = 80;
  facts_shown.last_background_ok = false;
  facts_shown.last_cow = 4096;
  EXPECT_THAT(info(), HasSubstr("current_cow_peak:3000000\r\ncurrent_cow_size:2000000\r\ncurrent_cow_size_age:2\r\n"
                                "current_fork_perc:12.50\r\ncurrent_save_keys_processed:10\r\n"
                                "current_save_keys_total:80\r\n"));
  EXPECT_THAT(info(), HasSubstr("rdb_bgsave_in_progress:1\r\n"));
  EXPECT_THAT(info(), HasSubstr("rdb_last_bgsave_status:err\r\n"));
  EXPECT_THAT(info(), HasSubstr("rdb_current_bgsave_time_sec:7\r\n"));
  EXPECT_THAT(info(), HasSubstr("rdb_last_cow_size:4096\r\n"));
}

TEST_F(Persistence, InfoWhileItLoads) {
  PersistenceFacts& shown = snapshots.facts;
  shown.loading = true;
  shown.loading_since = wall().value / 1000 - 10;
  shown.loading_total_bytes = 1000;
  shown.loading_loaded_bytes = 199;
  EXPECT_THAT(info(), HasSubstr("loading_total_bytes:1000\r\nloading_rdb_used_mem:0\r\nloading_loaded_bytes:199\r\n"
                                "loading_loaded_perc:19.90\r\nloading_eta_seconds:40\r\n"));
  shown.loading_total_bytes = 0;
  shown.loading_rdb_used_memory = 100;
  EXPECT_THAT(info(), HasSubstr("loading_loaded_perc:99.99\r\n"));
}

TEST_F(Persistence, ForksInStats) {
  snapshots.facts.last_fork_micros = 321;
  snapshots.facts.forks = 4;
  EXPECT_THAT(run("INFO", "stats"), HasSubstr("latest_fork_usec:321\r\ntotal_forks:4\r\n"));
}

}  // namespace
}  // namespace skein

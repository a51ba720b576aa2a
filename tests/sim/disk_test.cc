// The simulated disk forgets what a real one may forget, and no more.
#include "disk.h"

#include <gtest/gtest.h>

#include <set>

namespace skein::sim {

namespace {

// What may be in the file after a power loss, over many of them.
template <typename Prepare>
std::set<std::string> outcomes(Prepare prepare) {
  std::set<std::string> found;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    Disk disk;
    prepare(disk);
    disk.lose_power(random);
    found.insert(disk.read("f").value_or("(none)"));
  }
  return found;
}

void save_durably(Disk& disk, std::string_view text) {
  disk.write("f.tmp", Content(std::string(text)));
  disk.sync("f.tmp");
  disk.rename("f.tmp", "f");
  disk.sync_directory();
}

TEST(SimDisk, WhatWasSyncedStays) {
  EXPECT_EQ(outcomes([](Disk& disk) { save_durably(disk, "old"); }), std::set<std::string>{"old"});
}

TEST(SimDisk, AnUnsyncedRenameLeavesOldOrNew) {
  const auto found = outcomes([](Disk& disk) {
    save_durably(disk, "old");
    disk.write("f.tmp", Content(std::string("new")));
    disk.sync("f.tmp");
    disk.rename("f.tmp", "f");
  });
  EXPECT_EQ(found, (std::set<std::string>{"old", "new"}));
}

TEST(SimDisk, RenamingBeforeSyncingTearsTheFile) {
  const auto found = outcomes([](Disk& disk) {
    save_durably(disk, "old");
    disk.write("f.tmp", Content(std::string("new")));
    disk.rename("f.tmp", "f");
    disk.sync_directory();
  });
  EXPECT_TRUE(found.contains("") || found.contains("n") || found.contains("ne"));
}

TEST(SimDisk, AKilledProcessLosesNothing) {
  Disk disk;
  disk.write("f", Content(std::string("unsynced")));
  EXPECT_EQ(disk.read("f"), "unsynced");
}

}  // namespace

}  // namespace skein::sim

// The file of the consumer groups: their records and committed offsets, in SQLite.
//
// What is put between two calls of commit() is one transaction: it is written whole or not at all. A commit is on its
// way to the disk (write(2)), not forced there: after a power cut the last ones may be missing, never torn. The next
// checkpoint forces them (WAL, synchronous=NORMAL).
//
// Locked   for this process alone: two coordinators on one file would give the same partition to two members.
// Thread   one.
// Errors   the constructor throws std::runtime_error when the file can't be opened, is damaged, or is none of ours; a
//          file of somebody else is not changed. Later, false or nullopt: error() says why. After a failed put the
//          turn's commit() fails, too, and nothing of it is written.
// Source   https://www.sqlite.org/wal.html, pragma.html
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "groups/record.h"
#include "groups/sqlite.h"
#include "os/clock.h"

namespace sluice::groups {

class Store {
 public:
  explicit Store(const std::string& file);  // "": in memory
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  std::vector<GroupRecord> groups();                   // throws SqliteError
  std::map<std::string, std::size_t> offset_counts();  // by group; throws SqliteError

  bool put(const GroupRecord& record);     // in place of the one with its name
  bool remove(std::string_view group_id);  // the record; its offsets stay
  bool remove_offsets(std::string_view group_id);
  // true: `added` tells whether there was none for this partition.
  bool put_offset(std::string_view group_id, std::string_view topic, std::int32_t partition,
                  const CommittedOffset& offset, os::WallTime now, bool& added);
  // How many of a group's offsets were committed before that time, and are now gone.
  std::optional<std::size_t> expire(std::string_view group_id, os::WallTime before);
  bool commit();
  [[nodiscard]] bool writes() const noexcept {
    return failed_ || database_.in_transaction();
  }  // in this turn

  // Both see what was put in this turn, too.
  bool find_offset(std::string_view group_id, std::string_view topic, std::int32_t partition,
                   std::optional<CommittedOffset>& found);
  using Visit = std::function<void(std::string topic, std::int32_t partition, CommittedOffset offset)>;
  bool each_offset(std::string_view group_id, const Visit& visit);  // by topic and partition

  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  struct Statements {
    explicit Statements(Database& database);
    Statement update_offset, insert_offset, find_offset, group_offsets, expire_offsets, remove_offsets;
    Statement put_group, remove_group, put_member, remove_members;
    Statement begin, commit, rollback;
  };
  template <typename Work>
  bool attempt(const Work& work);
  template <typename Work>
  bool write(const Work& work);  // in the turn's transaction

  Database database_;
  std::optional<Statements> statements_;
  bool failed_ = false;  // in this turn: its commit() rolls back
  std::string error_;
};

}  // namespace sluice::groups

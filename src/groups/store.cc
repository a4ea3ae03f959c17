#include "groups/store.h"

#include <sqlite3.h>

#include <utility>

namespace sluice::groups {

namespace {

using std::chrono::milliseconds;

// PRAGMA application_id and user_version: what tells a file of ours, and the layout of its tables.
constexpr std::int64_t kApplication = 0x536c4752;  // "SlGR"
constexpr std::int64_t kLayout = 1;

constexpr const char* kTables = R"(
BEGIN;
CREATE TABLE groups (
  group_id TEXT PRIMARY KEY NOT NULL,
  generation INTEGER NOT NULL,
  protocol_type TEXT NOT NULL,
  protocol TEXT NOT NULL,
  leader TEXT NOT NULL,
  written INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE members (
  group_id TEXT NOT NULL,
  member_id TEXT NOT NULL,
  instance_id TEXT,
  client_id TEXT NOT NULL,
  client_host TEXT NOT NULL,
  session_timeout INTEGER NOT NULL,
  rebalance_timeout INTEGER NOT NULL,
  subscription BLOB NOT NULL,
  assignment BLOB NOT NULL,
  PRIMARY KEY (group_id, member_id)
);
CREATE TABLE offsets (
  group_id TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  committed INTEGER NOT NULL,
  leader_epoch INTEGER NOT NULL,
  metadata TEXT NOT NULL,
  commit_time INTEGER NOT NULL,
  PRIMARY KEY (group_id, topic, partition)
) WITHOUT ROWID;
PRAGMA application_id = 1399605074;
PRAGMA user_version = 1;
COMMIT;
)";
static_assert(kApplication == 1399605074 && kLayout == 1);  // as written above

std::int64_t number(Database& database, const char* sql) {
  Statement query(database, sql);
  return query.step() ? query.integer(0) : 0;
}

// Nothing is written before the file has proved to be ours, or to be new.
void prepare_file(Database& database) {
  database.execute("PRAGMA locking_mode = EXCLUSIVE");
  const bool fresh = number(database, "SELECT count(*) FROM sqlite_schema") == 0 &&
                     number(database, "PRAGMA application_id") == 0;
  if (!fresh) {
    if (number(database, "PRAGMA application_id") != kApplication)
      throw std::runtime_error("it is another program's database; it was left as it is");
    if (const std::int64_t layout = number(database, "PRAGMA user_version"); layout != kLayout)
      throw std::runtime_error("its layout is version " + std::to_string(layout) +
                               ", of another Sluice; this one knows " + std::to_string(kLayout));
    Statement check(database, "PRAGMA quick_check(1)");
    if (check.step() && check.text(0) != "ok") throw std::runtime_error("it is damaged: " + check.text(0));
  }
  if (database.read_only()) throw std::runtime_error("it may not be written");
  database.execute("PRAGMA journal_mode = WAL");
  database.execute("PRAGMA synchronous = NORMAL");
  if (fresh) database.execute(kTables);
  // Takes the lock for good, and finds out now whether the place can be written.
  database.execute("BEGIN IMMEDIATE; COMMIT");
}

std::int64_t to_number(os::WallTime time) {
  return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

os::WallTime to_time(std::int64_t number) { return os::WallTime(milliseconds(number)); }

Database open(const std::string& file) {
  const std::string about = "groups file " + (file.empty() ? "in memory" : file) + ": ";
  try {
    Database database(file);
    prepare_file(database);
    return database;
  } catch (const SqliteError& error) {
    const int code = error.code & 0xff;
    if (code == SQLITE_BUSY)
      throw std::runtime_error(about + "it is in use, by another process or by another listener");
    if (code == SQLITE_NOTADB) throw std::runtime_error(about + "it is no SQLite file; it was left as it is");
    if (code == SQLITE_CORRUPT) throw std::runtime_error(about + "it is damaged: " + error.what());
    if (code == SQLITE_CANTOPEN)
      throw std::runtime_error(about + error.what() + "; its directory must exist and be writable");
    throw std::runtime_error(about + error.what());
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(about + error.what());
  }
}

}  // namespace

Store::Statements::Statements(Database& database)
    : update_offset(database,
                    "UPDATE offsets SET committed = ?, leader_epoch = ?, metadata = ?, commit_time = ? "
                    "WHERE group_id = ? AND topic = ? AND partition = ?"),
      insert_offset(
          database,
          "INSERT INTO offsets (committed, leader_epoch, metadata, commit_time, group_id, topic, partition) "
          "VALUES (?, ?, ?, ?, ?, ?, ?)"),
      find_offset(database,
                  "SELECT committed, leader_epoch, metadata FROM offsets "
                  "WHERE group_id = ? AND topic = ? AND partition = ?"),
      group_offsets(database,
                    "SELECT topic, partition, committed, leader_epoch, metadata FROM offsets "
                    "WHERE group_id = ? ORDER BY topic, partition"),
      expire_offsets(database, "DELETE FROM offsets WHERE group_id = ? AND commit_time < ?"),
      remove_offsets(database, "DELETE FROM offsets WHERE group_id = ?"),
      put_group(
          database,
          "INSERT OR REPLACE INTO groups (group_id, generation, protocol_type, protocol, leader, written) "
          "VALUES (?, ?, ?, ?, ?, ?)"),
      remove_group(database, "DELETE FROM groups WHERE group_id = ?"),
      put_member(
          database,
          "INSERT INTO members (group_id, member_id, instance_id, client_id, client_host, session_timeout, "
          "rebalance_timeout, subscription, assignment) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      remove_members(database, "DELETE FROM members WHERE group_id = ?"),
      begin(database, "BEGIN IMMEDIATE"),
      commit(database, "COMMIT"),
      rollback(database, "ROLLBACK") {}

Store::Store(const std::string& file) : database_(open(file)) {
  try {
    statements_.emplace(database_);
  } catch (const SqliteError& error) {
    throw std::runtime_error("groups file " + file + ": its tables are not ours: " + error.what());
  }
}

template <typename Work>
bool Store::attempt(const Work& work) {
  const bool in_transaction = database_.in_transaction();
  try {
    work();
    return true;
  } catch (const SqliteError& error) {
    error_ = error.what();
    // SQLite may have rolled back by itself, even because of a read.
    if (in_transaction && !database_.in_transaction()) failed_ = true;
    return false;
  }
}

template <typename Work>
bool Store::write(const Work& work) {
  if (failed_) return false;
  failed_ = !attempt([&] {
    if (!database_.in_transaction()) statements_->begin.run();
    work();
  });
  return !failed_;
}

std::vector<GroupRecord> Store::groups() {
  std::vector<GroupRecord> groups;
  Statement query(
      database_,
      "SELECT group_id, generation, protocol_type, protocol, leader, written FROM groups ORDER BY group_id");
  while (query.step())
    groups.push_back({.group_id = query.text(0),
                      .generation = static_cast<std::int32_t>(query.integer(1)),
                      .protocol_type = query.text(2),
                      .protocol = query.text(3),
                      .leader = query.text(4),
                      .written = to_time(query.integer(5))});
  Statement members(
      database_,
      "SELECT member_id, instance_id, client_id, client_host, session_timeout, rebalance_timeout, "
      "subscription, assignment FROM members WHERE group_id = ? ORDER BY member_id");
  for (GroupRecord& group : groups) {
    members.bind(group.group_id);
    while (members.step())
      group.members.push_back({.member_id = members.text(0),
                               .instance_id = members.optional_text(1),
                               .client_id = members.text(2),
                               .client_host = members.text(3),
                               .session_timeout = milliseconds(members.integer(4)),
                               .rebalance_timeout = milliseconds(members.integer(5)),
                               .subscription = members.text(6),
                               .assignment = members.text(7)});
  }
  return groups;
}

std::map<std::string, std::size_t> Store::offset_counts() {
  std::map<std::string, std::size_t> counts;
  Statement query(database_, "SELECT group_id, count(*) FROM offsets GROUP BY group_id");
  while (query.step()) counts[query.text(0)] = static_cast<std::size_t>(query.integer(1));
  return counts;
}

bool Store::put(const GroupRecord& record) {
  return write([&] {
    statements_->remove_members.bind(record.group_id).run();
    statements_->put_group
        .bind(record.group_id, std::int64_t{record.generation}, record.protocol_type, record.protocol,
              record.leader, to_number(record.written))
        .run();
    for (const MemberRecord& member : record.members)
      statements_->put_member
          .bind(record.group_id, member.member_id, member.instance_id, member.client_id, member.client_host,
                std::int64_t{member.session_timeout.count()}, std::int64_t{member.rebalance_timeout.count()},
                Blob{member.subscription}, Blob{member.assignment})
          .run();
  });
}

bool Store::remove(std::string_view group_id) {
  return write([&] {
    statements_->remove_members.bind(group_id).run();
    statements_->remove_group.bind(group_id).run();
  });
}

bool Store::remove_offsets(std::string_view group_id) {
  return write([&] { statements_->remove_offsets.bind(group_id).run(); });
}

bool Store::put_offset(std::string_view group_id, std::string_view topic, std::int32_t partition,
                       const CommittedOffset& offset, os::WallTime now, bool& added) {
  return write([&] {
    const auto run = [&](Statement& statement) {
      statement
          .bind(offset.offset, std::int64_t{offset.leader_epoch}, offset.metadata, to_number(now), group_id,
                topic, std::int64_t{partition})
          .run();
    };
    run(statements_->update_offset);
    added = database_.changes() == 0;
    if (added) run(statements_->insert_offset);
  });
}

std::optional<std::size_t> Store::expire(std::string_view group_id, os::WallTime before) {
  std::size_t gone = 0;
  const bool written = write([&] {
    statements_->expire_offsets.bind(group_id, to_number(before)).run();
    gone = database_.changes();
  });
  return written ? std::optional(gone) : std::nullopt;
}

bool Store::commit() {
  if (!failed_ && database_.in_transaction()) failed_ = !attempt([&] { statements_->commit.run(); });
  if (!std::exchange(failed_, false)) return true;
  const std::string why = error_;
  if (database_.in_transaction()) (void)attempt([&] { statements_->rollback.run(); });
  error_ = why;
  return false;
}

bool Store::find_offset(std::string_view group_id, std::string_view topic, std::int32_t partition,
                        std::optional<CommittedOffset>& found) {
  return attempt([&] {
    found.reset();
    Statement& query = statements_->find_offset.bind(group_id, topic, std::int64_t{partition});
    while (query.step())
      found = CommittedOffset{.offset = query.integer(0),
                              .leader_epoch = static_cast<std::int32_t>(query.integer(1)),
                              .metadata = query.text(2)};
  });
}

bool Store::each_offset(std::string_view group_id, const Visit& visit) {
  return attempt([&] {
    Statement& query = statements_->group_offsets.bind(group_id);
    while (query.step())
      visit(query.text(0), static_cast<std::int32_t>(query.integer(1)),
            {.offset = query.integer(2),
             .leader_epoch = static_cast<std::int32_t>(query.integer(3)),
             .metadata = query.text(4)});
  });
}

}  // namespace sluice::groups

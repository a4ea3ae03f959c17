// SQLite with owners and exceptions: a database and its prepared statements.
//
// Thread   one.
// Errors   SqliteError, from everything but destructors.
// Source   https://www.sqlite.org/c3ref/intro.html
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::groups {

struct Blob {  // bytes that are no text
  std::string_view bytes;
};

struct SqliteError : std::runtime_error {
  SqliteError(int code_, const std::string& what) : std::runtime_error(what), code(code_) {}
  int code;  // SQLITE_FULL and its kin
};

class Database {
 public:
  explicit Database(const std::string& file);  // made when missing; "" lives in memory
  void execute(const char* sql);
  [[nodiscard]] bool in_transaction() const noexcept;
  [[nodiscard]] bool read_only() const noexcept;
  [[nodiscard]] std::size_t changes() const noexcept;  // rows, by the last statement that writes
  [[nodiscard]] sqlite3* get() const noexcept { return handle_.get(); }
  void check(int code) const;  // throws unless it is SQLITE_OK

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

// `database` outlives it.
//
//   Statement name(database, "SELECT name FROM people WHERE id = ?");
//   name.bind(7);
//   while (name.step()) use(name.text(0));
class Statement {
 public:
  Statement(Database& database, const char* sql);

  // From the start, with these values; they are copied.
  template <typename... Values>
  Statement& bind(const Values&... values) {
    reset();
    int index = 0;
    (put(++index, values), ...);
    return *this;
  }
  bool step();  // true: there is a row. After the last one it is reset, so that no read stays open
  void run() {
    while (step()) {
    }
  }
  void reset() noexcept;

  // Of the row, counted from 0.
  [[nodiscard]] std::int64_t integer(int column) const noexcept;
  [[nodiscard]] std::string text(int column) const;  // or a blob's bytes
  [[nodiscard]] std::optional<std::string> optional_text(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  void put(int index, std::int64_t value);
  void put(int index, std::string_view value);
  void put(int index, const std::string& value) { put(index, std::string_view(value)); }
  void put(int index, Blob value);
  void put(int index, const std::optional<std::string>& value);

  Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace sluice::groups

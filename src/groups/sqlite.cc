#include "groups/sqlite.h"

#include <sqlite3.h>

namespace sluice::groups {

void Database::Close::operator()(sqlite3* handle) const noexcept { ::sqlite3_close(handle); }
void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  ::sqlite3_finalize(statement);
}

Database::Database(const std::string& file) {
  sqlite3* opened = nullptr;
  // One thread at a time uses it, so that SQLite's own locks are of no use.
  const int code =
      ::sqlite3_open_v2(file.empty() ? ":memory:" : file.c_str(), &opened,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(opened);  // there is one after most failures, too
  check(code);
  ::sqlite3_extended_result_codes(handle_.get(), 1);
}

void Database::check(int code) const {
  if (code == SQLITE_OK) return;
  std::string what = handle_ != nullptr ? ::sqlite3_errmsg(handle_.get()) : ::sqlite3_errstr(code);
  if (what != ::sqlite3_errstr(code)) what += std::string(" (") + ::sqlite3_errstr(code) + ")";
  throw SqliteError(code, what);
}

void Database::execute(const char* sql) {
  check(::sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr));
}
bool Database::in_transaction() const noexcept { return ::sqlite3_get_autocommit(handle_.get()) == 0; }
bool Database::read_only() const noexcept { return ::sqlite3_db_readonly(handle_.get(), "main") == 1; }
std::size_t Database::changes() const noexcept {
  return static_cast<std::size_t>(::sqlite3_changes(handle_.get()));
}

Statement::Statement(Database& database, const char* sql) : database_(&database) {
  sqlite3_stmt* made = nullptr;
  database.check(::sqlite3_prepare_v3(database.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr));
  statement_.reset(made);
}

bool Statement::step() {
  const int code = ::sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    const SqliteError error(code, ::sqlite3_errmsg(database_->get()));
    reset();
    throw error;
  }
  reset();
  return false;
}

void Statement::reset() noexcept { ::sqlite3_reset(statement_.get()); }  // says again what step() said

std::int64_t Statement::integer(int column) const noexcept {
  return ::sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  // The bytes first: asked for as text, SQLite may convert them.
  const void* bytes = ::sqlite3_column_blob(statement_.get(), column);
  const int size = ::sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr || size <= 0) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

std::optional<std::string> Statement::optional_text(int column) const {
  if (::sqlite3_column_type(statement_.get(), column) == SQLITE_NULL) return std::nullopt;
  return text(column);
}

void Statement::put(int index, std::int64_t value) {
  database_->check(::sqlite3_bind_int64(statement_.get(), index, value));
}

void Statement::put(int index, std::string_view value) {
  // Never a null pointer: that would be NULL, not "".
  database_->check(::sqlite3_bind_text64(statement_.get(), index, value.empty() ? "" : value.data(),
                                         value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::put(int index, Blob value) {
  const std::string_view bytes = value.bytes;
  database_->check(::sqlite3_bind_blob64(statement_.get(), index, bytes.empty() ? "" : bytes.data(),
                                         bytes.size(), SQLITE_TRANSIENT));
}

void Statement::put(int index, const std::optional<std::string>& value) {
  if (value.has_value()) return put(index, std::string_view(*value));
  database_->check(::sqlite3_bind_null(statement_.get(), index));
}

}  // namespace sluice::groups

#include "log/partition_directory.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <random>

#include "log/checkpoints.h"
#include "log/file_error.h"
#include "log/names.h"
#include "log/uuid.h"
#include "os/file.h"
#include "os/file_lock.h"
#include "os/list_directory.h"
#include "os/write_file.h"

namespace sluice::log {

namespace {

constexpr const char* kMetadata = "/partition.metadata";
constexpr const char* kEpochs = "/leader-epoch-checkpoint";

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  fail_unless_done(directory, os::list_directory(directory, names));
  return names;
}

bool is_directory(const std::string& path) {
  struct stat status {};
  int error = 0;
  return os::status_of(path, status, error) && S_ISDIR(status.st_mode);
}

// Of version 4, RFC 9562. Brokers don't give ids whose text begins with a dash: it looks like an option.
Uuid random_id() {
  std::random_device random;
  for (;;) {
    Uuid id;
    for (unsigned char& byte : id) byte = static_cast<unsigned char>(random());
    id[6] = static_cast<unsigned char>((id[6] & 0x0f) | 0x40);
    id[8] = static_cast<unsigned char>((id[8] & 0x3f) | 0x80);
    if (uuid_text(id).front() != '-') return id;
  }
}

// As another partition of the topic tells it, else a new one.
Uuid topic_id(const std::string& log_directory, const std::string& topic) {
  for (const std::string& name : names_in(log_directory)) {
    const auto partition = partition_named(name);
    if (!partition || partition->topic != topic) continue;
    const auto text = read_text(log_directory + '/' + name + kMetadata);
    if (const Uuid id = text ? parse_topic_id(*text) : Uuid{}; id != Uuid{}) return id;
  }
  return random_id();
}

int write_file(const std::string& path, const std::string& text) noexcept {
  const os::FileOr file = os::open_to_write(path);
  return file.error != 0 ? file.error : os::write_at(file.fd.get(), text, 0).error;
}

}  // namespace

std::string make_partition(const std::string& log_directory, const std::string& topic,
                           std::int32_t partition) {
  if (!is_directory(log_directory)) {
    const int error = os::make_directory(log_directory);
    if (error != EEXIST) fail_unless_done(log_directory, error);
  }
  const std::string path = log_directory + '/' + directory_of(topic, partition);
  if (is_directory(path)) return path;
  // Others who make partitions of this topic have to see our id, or we theirs.
  const os::FileOr lock = os::lock_directory(log_directory);
  fail_unless_done(log_directory, lock.error);
  if (is_directory(path)) return path;
  const Uuid id = topic_id(log_directory, topic);
  // Made under a name that says that it is to be deleted, should we not come to rename it.
  const std::string draft = path + '.' + std::to_string(std::random_device{}()) + "-delete";
  fail_unless_done(draft, os::make_directory(draft));
  int error = write_file(draft + kMetadata, "version: 0\ntopic_id: " + uuid_text(id));
  if (error == 0) error = write_file(draft + kEpochs, "0\n1\n0 0\n");
  if (error == 0) error = os::rename_file(draft, path);
  if (error == 0) return path;
  for (const char* file : {kMetadata, kEpochs}) (void)os::remove_file(draft + file);
  (void)os::remove_directory(draft);
  fail(path, error);
}

os::UniqueFd lock_partition(const std::string& log_directory, const std::string& directory) {
  if (os::is_record_locked(log_directory + "/.lock"))
    throw std::runtime_error(log_directory + ": a Kafka broker runs on this directory; use its own tools");
  const std::string path = directory + "/.lock";
  os::FileOr lock = os::lock_file(path);
  if (lock.error == EWOULDBLOCK)
    throw std::runtime_error(directory + ": another process writes to this partition");
  fail_unless_done(path, lock.error);
  return std::move(lock.fd);
}

void give_partition(const std::string& directory, const std::string& user) {
  for (const std::string& name : names_in(directory))
    fail_unless_done(directory + '/' + name, os::give_to(directory + '/' + name, user));
  fail_unless_done(directory, os::give_to(directory, user));
}

std::vector<std::int64_t> segments_in(const std::string& directory) {
  std::vector<std::int64_t> found;
  for (const std::string& name : names_in(directory)) {
    const auto file = log_file_named(name);
    if (file && file->kind == FileKind::kLog) found.push_back(file->offset);
  }
  std::sort(found.begin(), found.end());
  return found;
}

// "0", how many lines follow, and a line for each leader: its epoch, and where it began.
std::int32_t leader_epoch_of(const std::string& directory) {
  const std::string text = read_text(directory + kEpochs).value_or("");
  const std::size_t last = text.find_last_not_of('\n');
  const std::size_t line = last == std::string::npos ? last : text.rfind('\n', last);
  std::int32_t epoch = 0;
  if (line != std::string::npos && text.find(' ', line) != std::string::npos)
    std::from_chars(text.data() + line + 1, text.data() + text.size(), epoch);
  return epoch;
}

int remove_segment(const std::string& directory, std::int64_t base_offset) {
  const int error = os::remove_file(path_of(directory, base_offset, FileKind::kLog));
  if (error != 0 && error != ENOENT) return error;
  for (const FileKind kind :
       {FileKind::kOffsetIndex, FileKind::kTimeIndex, FileKind::kTransactionIndex, FileKind::kSnapshot})
    (void)os::remove_file(path_of(directory, base_offset, kind));
  return 0;
}

}  // namespace sluice::log

#include "log/names.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/topic_name.h"

namespace sluice::log {

namespace {

constexpr std::size_t kDigits = 20;
constexpr std::array<std::string_view, 5> kSuffixes = {".log", ".index", ".timeindex", ".txnindex",
                                                       ".snapshot"};

// Digits only, and no number twice: "007" is not 7.
template <typename T>
std::optional<T> number(std::string_view text) noexcept {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

bool is_internal_topic(std::string_view topic) noexcept {
  return topic == "__consumer_offsets" || topic == "__transaction_state" || topic == "__share_group_state";
}

std::optional<PartitionName> partition_named(std::string_view directory) noexcept {
  const std::size_t dash = directory.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view topic = directory.substr(0, dash), digits = directory.substr(dash + 1);
  if (!is_topic_name(topic) || topic == "__cluster_metadata") return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  const auto index = number<std::int32_t>(digits);
  if (!index || *index >= kMostPartitions) return std::nullopt;
  return PartitionName{.topic = topic, .index = *index};
}

std::string directory_of(std::string_view topic, std::int32_t index) {
  return std::string(topic) + '-' + std::to_string(index);
}

std::optional<LogFileName> log_file_named(std::string_view file) noexcept {
  if (file.size() <= kDigits) return std::nullopt;
  const auto suffix = std::find(kSuffixes.begin(), kSuffixes.end(), file.substr(kDigits));
  const auto offset = number<std::int64_t>(file.substr(0, kDigits));
  if (suffix == kSuffixes.end() || !offset) return std::nullopt;
  return LogFileName{.offset = *offset, .kind = static_cast<FileKind>(suffix - kSuffixes.begin())};
}

std::string file_of(std::int64_t offset, FileKind kind) {
  const std::string digits = std::to_string(offset);
  return std::string(kDigits - std::min(kDigits, digits.size()), '0')
      .append(digits)
      .append(kSuffixes[static_cast<std::size_t>(kind)]);
}

std::string path_of(std::string_view directory, std::int64_t offset, FileKind kind) {
  return std::string(directory).append(1, '/').append(file_of(offset, kind));
}

}  // namespace sluice::log

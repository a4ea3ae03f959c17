#include "http/conditions.h"

#include <optional>

#include "http/date.h"

namespace sluice::http {
namespace {

// Does the list of entity tags in the fields `id` name the file's tag? A tag may hold commas, so the list is
// not split at them. What follows a malformed element is not read.
bool lists_tag(std::string_view list, std::string_view etag, bool weak_matches) noexcept {
  for (;;) {
    const std::size_t at = list.find_first_not_of(" \t,");
    if (at == std::string_view::npos) return false;
    list.remove_prefix(at);
    const bool weak = list.starts_with("W/");  // case-sensitive, RFC 9110 section 8.8.3
    if (weak) list.remove_prefix(2);
    if (!list.starts_with('"')) return false;
    const std::size_t close = list.find('"', 1);
    if (close == std::string_view::npos) return false;
    if (list.substr(0, close + 1) == etag && (weak_matches || !weak)) return true;
    list.remove_prefix(close + 1);
  }
}

// `*` stands for any representation, and the file is one. nullopt: no such field.
std::optional<bool> any_tag_matches(const RequestHead& head, FieldId id, const Validators& file,
                                    bool weak_matches) noexcept {
  std::optional<bool> found;
  for (const Field& field : head.fields()) {
    if (field.id != id) continue;
    const std::string_view value = head.value(field);
    found = found.value_or(false) || value == "*" || lists_tag(value, file.etag, weak_matches);
  }
  return found;
}

// nullopt: absent, repeated or not a date; the precondition is then ignored (sections 13.1.3 and 13.1.4).
std::optional<std::time_t> single_date(const RequestHead& head, FieldId id) noexcept {
  const Field* only = nullptr;
  for (const Field& field : head.fields()) {
    if (field.id != id) continue;
    if (only != nullptr) return std::nullopt;
    only = &field;
  }
  return only != nullptr ? parse_date(head.value(*only)) : std::nullopt;
}

}  // namespace

Condition evaluate_conditions(const RequestHead& head, const Validators& file) noexcept {
  if (const auto match = any_tag_matches(head, FieldId::kIfMatch, file, false)) {
    if (!*match) return Condition::kFailed;
  } else if (const auto date = single_date(head, FieldId::kIfUnmodifiedSince)) {
    if (file.modified > *date) return Condition::kFailed;
  }
  if (const auto match = any_tag_matches(head, FieldId::kIfNoneMatch, file, true)) {
    if (*match) return Condition::kNotModified;
  } else if (const auto date = single_date(head, FieldId::kIfModifiedSince)) {
    if (file.modified <= *date) return Condition::kNotModified;
  }
  return Condition::kProceed;
}

bool range_applies(const RequestHead& head, const Validators& file) noexcept {
  const Field* condition = nullptr;
  for (const Field& field : head.fields()) {
    if (field.id != FieldId::kIfRange) continue;
    if (condition != nullptr) return false;  // two are none: the whole is always right
    condition = &field;
  }
  if (condition == nullptr) return true;
  const std::string_view value = head.value(*condition);
  // A weak tag begins with W/, equals no strong one and is no date.
  if (value.starts_with('"')) return value == file.etag;
  return parse_date(value) == file.modified;
}

}  // namespace sluice::http

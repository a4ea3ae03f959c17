#include "http/head.h"

namespace sluice::http {

const Field* Head::find(FieldId id) const noexcept {
  for (const Field& field : fields())
    if (field.id == id) return &field;
  return nullptr;
}

std::string_view Head::find_value(FieldId id) const noexcept {
  const Field* field = find(id);
  return field != nullptr ? value(*field) : std::string_view{};
}

}  // namespace sluice::http

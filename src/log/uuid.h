// Ids of topics and clusters as text: the 16 bytes in URL-safe base64, 22 characters without padding.
//
// Source   RFC 4648 section 5; Apache Kafka's Uuid. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "log/view.h"

namespace sluice::log {

std::string uuid_text(const Uuid& id);
std::optional<Uuid> uuid_from_text(std::string_view text) noexcept;

}  // namespace sluice::log

#include "tls/openssl.h"

namespace sluice::tls {

std::string last_error() {
  std::string text;
  const char* data = nullptr;
  int flags = 0;
  while (const unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
    std::string reason;
    if (const char* words = ERR_reason_error_string(code); words != nullptr) {
      reason = words;
    } else {
      reason.resize(120);
      ERR_error_string_n(code, reason.data(), reason.size());
      reason.resize(reason.find('\0'));
    }
    if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0')
      reason += " (" + std::string(data) + ")";
    if (text.find(reason) != std::string::npos) continue;  // the layers of a failure often say the same
    if (!text.empty()) text += "; ";
    text += reason;
  }
  return text.empty() ? "no reason given" : text;
}

}  // namespace sluice::tls

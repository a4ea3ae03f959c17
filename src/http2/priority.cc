#include "http2/priority.h"

#include "http/message.h"

namespace sluice::http2 {

Priority parse_priority(std::string_view field) noexcept {
  Priority out;
  http::for_each_token(field, [&out](std::string_view member) {
    member = member.substr(0, member.find(';'));  // parameters have no meaning here
    if (member.size() == 3 && member.starts_with("u=") && member[2] >= '0' && member[2] <= '7')
      out.urgency = static_cast<std::uint8_t>(member[2] - '0');
    if (member == "i" || member == "i=?1") out.incremental = true;
    if (member == "i=?0") out.incremental = false;
    return true;
  });
  return out;
}

}  // namespace sluice::http2

// JSON written straight into a string: what the access log needs of it, and no more.
#pragma once

#include <string>
#include <string_view>

namespace sluice::observe {

// Appends `raw` with the escapes that a JSON string needs, without the quotes. `raw` may be any bytes: those
// that are not UTF-8, and control characters, become \u00XX, so the output is valid JSON on one line, and
// harmless on a terminal.
void append_escaped(std::string& out, std::string_view raw);

// append_escaped() loses nothing of it: UTF-8, without the control characters behind U+007F.
bool is_text(std::string_view raw) noexcept;

// The first `most` bytes, or a few fewer so as not to cut a UTF-8 character.
std::string_view cut_text(std::string_view raw, std::size_t most) noexcept;

}  // namespace sluice::observe

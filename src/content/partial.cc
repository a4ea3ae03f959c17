#include "content/partial.h"

namespace sluice::content {

std::string content_range_of(const http::Range& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.offset) + "-" + std::to_string(range.offset + range.length - 1) +
         "/" + std::to_string(size);
}

Partial partial_of(const OpenFile& file, std::span<const http::Range> ranges, std::string_view boundary) {
  Partial out;
  const std::uint64_t size = file.file->size();
  const auto add_range = [&](const http::Range& range) {
    out.body.emplace_back(
        relay::FileRange{.file = file.file, .offset = range.offset, .length = range.length});
    out.length += range.length;
  };
  std::string type = "Content-Type: ";
  type.append(file.content_type).append("\r\n");

  if (ranges.size() == 1) {
    out.fields = type + "Content-Range: " + content_range_of(ranges[0], size) + "\r\n";
    add_range(ranges[0]);
    return out;
  }

  std::string delimiter = "--";
  delimiter.append(boundary);
  const auto add_text = [&](std::string text) {
    out.length += text.size();
    out.body.emplace_back(std::move(text));
  };
  out.fields.append("Content-Type: multipart/byteranges; boundary=").append(boundary).append("\r\n");
  std::string before;  // the line break before a delimiter belongs to it, not to the part
  for (const http::Range& range : ranges) {
    add_text(before + delimiter + "\r\n" + type + "Content-Range: " + content_range_of(range, size) +
             "\r\n\r\n");
    add_range(range);
    before = "\r\n";
  }
  add_text(before + delimiter + "--\r\n");
  return out;
}

}  // namespace sluice::content

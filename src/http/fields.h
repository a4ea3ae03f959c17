// Field names that Sluice itself acts on. All others pass through as they are.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::http {

enum class FieldId : std::uint8_t {
  kOther,
  kAcceptEncoding,
  kAcceptRanges,
  kCacheControl,
  kConnection,
  kContentDigest,
  kContentEncoding,
  kContentLength,
  kContentMd5,
  kContentRange,
  kContentType,
  kDate,
  kDigest,
  kEtag,
  kExpect,
  kForwarded,
  kHost,
  kHttp2Settings,
  kIfMatch,
  kIfModifiedSince,
  kIfNoneMatch,
  kIfRange,
  kIfUnmodifiedSince,
  kKeepAlive,
  kMaxForwards,
  kProxyAuthenticate,
  kProxyAuthorization,
  kProxyConnection,
  kRange,
  kReferer,
  kReprDigest,
  kServer,
  kServerTiming,
  kTe,
  kTrailer,
  kTransferEncoding,
  kUpgrade,
  kUserAgent,
  kVary,
  kVia,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedProto,
};

// Case-insensitive; kOther for every name not listed. No allocation.
FieldId field_id(std::string_view name) noexcept;

// In lower case; "" for kOther.
std::string_view name_of(FieldId id) noexcept;

// ASCII case-insensitive comparison, as field names and most tokens want it (RFC 9110 section 5.1).
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

// "X-Forwarded-" and anything. CGI and its heirs see one variable for "X-Forwarded-For" and "X_Forwarded_For",
// so here they are one name, too.
bool is_x_forwarded(std::string_view name) noexcept;

// Who the client has proved to be: "Client-Cert", "Client-Cert-Chain" (RFC 9440), "X-Client-Cert-" and anything.
// Underscores as above.
bool is_client_certificate(std::string_view name) noexcept;

}  // namespace sluice::http

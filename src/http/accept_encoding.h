// What a request's Accept-Encoding says of a content coding. Pure.
//
// Source   RFC 9110 sections 12.4.2, 12.4.3 and 12.5.3.
#pragma once

#include <string_view>

#include "http/head.h"

namespace sluice::http {

// How much the client wants `coding` ("gzip", lower case; "identity" is one, too), in thousandths; 0: not at all.
// Several fields are one list, "*" stands for what no element names, "x-gzip" is gzip, and of an element that comes
// twice the first counts. Without the field, or with a malformed one, nothing is wanted: not even identity, which is
// what goes out then.
unsigned coding_weight(const RequestHead& head, std::string_view coding) noexcept;

}  // namespace sluice::http

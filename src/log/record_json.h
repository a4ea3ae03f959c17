// A record as one JSON object, for people and programs that don't read batches.
//
//   {"offset":7,"timestamp":1763710000000,"key":"k","value":"v","headers":[{"key":"a","value":"b"}]}
//
// Without a key or value: null. What is not UTF-8 comes as base64: "value_base64":"..." instead of "value".
// Source   RFC 8259; RFC 4648 section 4. Thread: any.
#pragma once

#include <string>

#include "log/record.h"

namespace sluice::log {

// No line end. What other members follow can be put before the last byte.
void append_json(std::string& out, const Record& record);

}  // namespace sluice::log

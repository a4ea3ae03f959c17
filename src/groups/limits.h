// What a coordinator of consumer groups allows, and what it is told of those who ask.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "base/bytes.h"

namespace sluice::groups {

struct Limits {
  std::size_t groups = 10'000;     // with members or with offsets
  std::size_t members = 1000;      // of one group, with those who were only given an id
  std::size_t protocols = 64;      // that a member may offer
  std::size_t metadata = 256_KiB;  // a member may bring in a join, or be given as an assignment
  std::size_t memory = 64_MiB;     // all members of all groups, with what they brought
  std::size_t offsets = 100'000;   // committed ones of one group
  std::size_t all_offsets = 1'000'000;
  std::size_t answer = 32_MiB;         // about groups and offsets; what is beyond is refused with an error
  std::size_t offset_metadata = 4096;  // bytes, of one offset
  std::chrono::milliseconds shortest_session{6'000}, longest_session{1'800'000};
  std::chrono::milliseconds first_join_delay{0};  // an empty group waits this long for more members
  std::chrono::hours keep_offsets{24 * 7};        // of a group without members
};

// The asking connection.
struct Caller {
  std::string client_id, client_host;
};

}  // namespace sluice::groups

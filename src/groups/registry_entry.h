// What the registry keeps of one group.
#pragma once

#include <string>
#include <utility>

#include "groups/group.h"
#include "groups/registry.h"
#include "loop/deadlines.h"
#include "os/clock.h"

namespace sluice::groups {

struct Registry::Entry final : loop::Deadline {
  Entry(Registry& owner_, std::string id_, Group group_)
      : owner(owner_), id(std::move(id_)), group(std::move(group_)) {}
  void on_deadline() override;

  Registry& owner;
  const std::string id;
  Group group;
  std::size_t offsets = 0;             // committed ones in the file, this turn's included
  os::WallTime empty_since{};          // while it is
  os::Time due{};                      // of the deadline
  std::size_t members = 0, bytes = 0;  // as they are part of the sums
  std::int32_t generation = 0;
};

}  // namespace sluice::groups

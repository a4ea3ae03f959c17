// One worker's list of topics and partitions, and whoever waits for one of them to change.
//
// A Directory keeps every catalog up to date by posting to its loop; between two turns of the loop nothing changes.
// Partitions stay at their address as long as the catalog; one whose directory is gone has no view.
// Thread    the loop's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/list.h"
#include "log/view.h"

namespace sluice::log {

// The wish to hear when one partition changes: appended to, cut, or gone. Its owner derives from it and destroys it at
// will, also while it is told. It stays on the list until it is unlinked.
class Interest : public ListLink {
 public:
  virtual void on_change() = 0;

 protected:
  ~Interest() = default;
};

struct Partition {
  std::int32_t index = 0;
  PartitionViewPtr view;  // null: it is gone
  List<Interest> interests;
};

struct Topic {
  std::string name;
  Uuid id{};                                           // zero: no partition.metadata tells it
  bool internal = false;                               // __consumer_offsets and its kin
  std::vector<std::unique_ptr<Partition>> partitions;  // by index; null where there never was one
  std::size_t present = 0;                             // partitions that have a view
  [[nodiscard]] bool exists() const noexcept { return present != 0; }
};

class Catalog {
 public:
  [[nodiscard]] Topic* find(std::string_view name) noexcept;  // null: never heard of
  [[nodiscard]] Topic* find(const Uuid& id) noexcept;         // null: no topic that exists has it
  // Null: no such partition, or it is gone.
  static Partition* partition_of(Topic& topic, std::int32_t index) noexcept;
  [[nodiscard]] const std::map<std::string, std::unique_ptr<Topic>, std::less<>>& topics() const noexcept {
    return topics_;
  }

  // For the Directory, and for tests: what a partition is now. Tells its interests.
  void update(const PartitionViewPtr& view, const Uuid& topic_id);
  void remove(std::string_view topic, std::int32_t index);

 private:
  void set_id(Topic& topic, const Uuid& id);
  static void tell(Partition& partition);
  std::map<std::string, std::unique_ptr<Topic>, std::less<>> topics_;
  std::map<Uuid, Topic*> by_id_;
};

}  // namespace sluice::log

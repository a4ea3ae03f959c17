#include "log/catalog.h"

#include <cassert>

#include "log/names.h"

namespace sluice::log {

Topic* Catalog::find(std::string_view name) noexcept {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second.get();
}

Topic* Catalog::find(const Uuid& id) noexcept {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

Partition* Catalog::partition_of(Topic& topic, std::int32_t index) noexcept {
  if (index < 0 || static_cast<std::size_t>(index) >= topic.partitions.size()) return nullptr;
  Partition* partition = topic.partitions[static_cast<std::size_t>(index)].get();
  return partition == nullptr || partition->view == nullptr ? nullptr : partition;
}

void Catalog::update(const PartitionViewPtr& view, const Uuid& topic_id) {
  assert(view->index >= 0);
  auto& topic = topics_[view->topic];
  if (topic == nullptr) {
    topic = std::make_unique<Topic>();
    topic->name = view->topic;
    topic->internal = is_internal_topic(view->topic);
  }
  // A partition that has not got its partition.metadata yet does not make a known id unknown.
  if (topic_id != Uuid{}) set_id(*topic, topic_id);
  const auto index = static_cast<std::size_t>(view->index);
  if (topic->partitions.size() <= index) topic->partitions.resize(index + 1);
  auto& partition = topic->partitions[index];
  if (partition == nullptr) {
    partition = std::make_unique<Partition>();
    partition->index = view->index;
  }
  if (partition->view == nullptr) ++topic->present;
  partition->view = view;
  tell(*partition);
}

void Catalog::remove(std::string_view name, std::int32_t index) {
  Topic* topic = find(name);
  Partition* partition = topic == nullptr ? nullptr : partition_of(*topic, index);
  if (partition == nullptr) return;
  partition->view.reset();
  --topic->present;
  if (!topic->exists()) set_id(*topic, Uuid{});  // another topic of this name will have another id
  tell(*partition);
}

void Catalog::set_id(Topic& topic, const Uuid& id) {
  if (topic.id == id) return;
  if (const auto old = by_id_.find(topic.id); old != by_id_.end() && old->second == &topic) by_id_.erase(old);
  topic.id = id;
  if (id != Uuid{}) by_id_.insert_or_assign(id, &topic);
}

// Each one goes back to the list before it is told: whoever is destroyed by then, or later, leaves the list it stands in,
// and who comes meanwhile has seen this change.
void Catalog::tell(Partition& partition) {
  List<Interest> untold;
  untold.take_all(partition.interests);
  while (Interest* interest = untold.pop_front()) {
    partition.interests.push_back(*interest);
    interest->on_change();
  }
}

}  // namespace sluice::log

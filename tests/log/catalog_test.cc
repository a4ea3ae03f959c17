#include "log/catalog.h"

#include <functional>

#include "catch.h"

using namespace sluice;
using log::Catalog;

namespace {

log::PartitionViewPtr view_of(const std::string& topic, std::int32_t index, std::int64_t end = 0) {
  auto view = std::make_shared<log::PartitionView>();
  view->topic = topic;
  view->index = index;
  view->segments = {{}};
  view->end = view->last_stable = end;
  return view;
}

log::Uuid id_of(unsigned char byte) {
  log::Uuid id{};
  id.fill(byte);
  return id;
}

struct Listener final : log::Interest {
  void on_change() override {
    ++told;
    const auto call = then;  // which may destroy this
    call();
  }
  std::function<void()> then = [] {};
  int told = 0;
};

}  // namespace

TEST_CASE("a topic exists as long as one of its partitions", "[catalog]") {
  Catalog catalog;
  CHECK(catalog.find("t") == nullptr);
  catalog.update(view_of("t", 2, 7), id_of(1));
  log::Topic* topic = catalog.find("t");
  REQUIRE(topic != nullptr);
  CHECK(topic->name == "t");
  CHECK_FALSE(topic->internal);
  CHECK(topic->exists());
  REQUIRE(topic->partitions.size() == 3);
  CHECK(topic->partitions[0] == nullptr);
  for (const std::int32_t index : {-1, 0, 1, 3}) CHECK(Catalog::partition_of(*topic, index) == nullptr);
  log::Partition* partition = Catalog::partition_of(*topic, 2);
  REQUIRE(partition != nullptr);
  CHECK(partition->index == 2);
  CHECK(partition->view->end == 7);

  catalog.update(view_of("t", 0), id_of(1));
  catalog.remove("t", 2);
  CHECK(topic->exists());
  catalog.remove("t", 2);
  catalog.remove("t", 9);
  catalog.remove("nobody", 0);
  CHECK(topic->exists());
  catalog.remove("t", 0);
  CHECK_FALSE(topic->exists());
  CHECK(catalog.find("t") == topic);
  CHECK(Catalog::partition_of(*topic, 2) == nullptr);

  catalog.update(view_of("t", 2, 1), id_of(1));
  CHECK(Catalog::partition_of(*topic, 2) == partition);  // at its old address
  CHECK(topic->exists());
}

TEST_CASE("a broker's own topics are marked", "[catalog]") {
  Catalog catalog;
  catalog.update(view_of("__consumer_offsets", 0), {});
  catalog.update(view_of("__mine", 0), {});
  CHECK(catalog.find("__consumer_offsets")->internal);
  CHECK_FALSE(catalog.find("__mine")->internal);
}

TEST_CASE("a topic is found by its id, as long as it has it", "[catalog]") {
  Catalog catalog;
  catalog.update(view_of("t", 0), {});
  CHECK(catalog.find(log::Uuid{}) == nullptr);
  catalog.update(view_of("t", 0), id_of(1));
  log::Topic* topic = catalog.find("t");
  CHECK(catalog.find(id_of(1)) == topic);
  catalog.update(view_of("t", 1), {});  // its partition.metadata is still to come
  CHECK(catalog.find(id_of(1)) == topic);
  CHECK(topic->id == id_of(1));

  SECTION("made anew, it has another one") {
    catalog.update(view_of("t", 0), id_of(2));
    CHECK(catalog.find(id_of(1)) == nullptr);
    CHECK(catalog.find(id_of(2)) == topic);
  }
  SECTION("gone, it has none") {
    catalog.remove("t", 0);
    CHECK(catalog.find(id_of(1)) == topic);
    catalog.remove("t", 1);
    CHECK(catalog.find(id_of(1)) == nullptr);
    CHECK(topic->id == log::Uuid{});
  }
  SECTION("renamed, it is the other's") {
    catalog.update(view_of("u", 0), id_of(1));
    catalog.remove("t", 0);
    catalog.remove("t", 1);
    CHECK(catalog.find(id_of(1)) == catalog.find("u"));
  }
}

TEST_CASE("whoever waits for a partition hears of each change of it, and of no other", "[catalog]") {
  Catalog catalog;
  catalog.update(view_of("t", 0), {});
  catalog.update(view_of("t", 1), {});
  Listener first, second, other;
  log::Topic& topic = *catalog.find("t");
  topic.partitions[0]->interests.push_back(first);
  topic.partitions[0]->interests.push_back(second);
  topic.partitions[1]->interests.push_back(other);
  std::int64_t seen = 0;
  first.then = [&] { seen = topic.partitions[0]->view->end; };
  catalog.update(view_of("t", 0, 5), {});
  CHECK(seen == 5);
  first.then = [] {};
  catalog.remove("t", 0);
  CHECK(first.told == 2);
  CHECK(second.told == 2);
  CHECK(other.told == 0);
  first.unlink();
  catalog.update(view_of("t", 0, 6), {});
  CHECK(first.told == 2);
  CHECK(second.told == 3);
}

TEST_CASE("who is told may destroy itself and others, and bring new ones", "[catalog]") {
  Catalog catalog;
  catalog.update(view_of("t", 0), {});
  List<log::Interest>& interests = catalog.find("t")->partitions[0]->interests;
  auto before = std::make_unique<Listener>(), self = std::make_unique<Listener>(),
       behind = std::make_unique<Listener>(), last = std::make_unique<Listener>();
  for (Listener* each : {before.get(), self.get(), behind.get(), last.get()}) interests.push_back(*each);
  Listener late;
  self->then = [&] {
    before.reset();
    behind.reset();
    interests.push_back(late);
    self.reset();
  };
  last->then = [&] { last->unlink(); };
  catalog.update(view_of("t", 0, 1), {});
  CHECK(last->told == 1);
  CHECK(late.told == 0);
  catalog.update(view_of("t", 0, 2), {});
  CHECK(last->told == 1);
  CHECK(late.told == 1);
}

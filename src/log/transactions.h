// The transactions of one partition: which are open, and which were given up.
//
// What a batch's head tells is enough: a producer's first transactional batch opens its transaction, and a control batch
// with its id, the marker, ends it.
// Bounded   one entry for each open transaction, and for each given up since the log's start.
// Thread    one.
// Source    KIP-98; Apache Kafka's ProducerStateManager.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "log/batch.h"
#include "log/view.h"

namespace sluice::log {

enum class Marker : std::uint8_t { kAbort, kCommit };

// What the key of a control batch's one record says; nothing when it ends no transaction.
std::optional<Marker> marker_of(std::string_view key) noexcept;

class Transactions {
 public:
  // From a producer snapshot, a file by which a broker spares itself the reading of a whole log: those that were open at its
  // offset. false: it can't be understood, and nothing has changed.
  bool begin_with(std::string_view snapshot);

  void on_data(const BatchHead& head);  // a transactional batch
  void on_marker(const BatchHead& head, Marker marker);
  // From a transaction index.
  void add_aborted(const std::vector<AbortedTransaction>& more);

  void forget_below(std::int64_t offset);  // those that were given up and ended there

  // The first offset of the oldest open one; `end` where there is none.
  [[nodiscard]] std::int64_t last_stable(std::int64_t end) const noexcept;
  [[nodiscard]] const std::vector<AbortedTransaction>& aborted() const noexcept { return aborted_; }

 private:
  std::map<std::int64_t, std::int64_t> open_;  // first offset by producer id
  std::vector<AbortedTransaction> aborted_;    // ascending by last_offset, each once
};

}  // namespace sluice::log

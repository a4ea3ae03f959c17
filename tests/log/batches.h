// Batches for tests: many at once, and of the kinds that BatchBuilder does not make.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "base/big_endian.h"
#include "log/batch.h"
#include "log/record.h"

namespace sluice::testing {

inline log::BatchHead head_of(std::string_view batch) {
  log::BatchHead head;
  if (log::read_head(batch, batch.size(), head) != log::Scan::kBatch)
    throw std::runtime_error("that is no batch");
  return head;
}

// `batch` with another head; its CRC is made anew.
template <typename Change>
std::string changed(std::string_view batch, Change&& change) {
  log::BatchHead head = head_of(batch);
  change(head);
  return log::sealed(head, batch.substr(log::kBatchHead));
}

// `count` records, the first at `base`: key "k<offset>", value "v<offset>" and `padding` more bytes, time: as offset.
inline std::string some_batch(std::int64_t base, std::int32_t count, std::size_t padding = 0,
                              log::Codec codec = log::Codec::kNone) {
  log::BatchBuilder builder(codec);
  for (std::int64_t offset = base; offset < base + count; ++offset) {
    const std::string key = "k" + std::to_string(offset);
    const std::string value = "v" + std::to_string(offset) + std::string(padding, '.');
    builder.add(offset, key, value);
  }
  return builder.finish(base, 0);
}

// A batch of a transaction that is open until a marker of its producer follows.
inline std::string in_transaction(std::string_view batch, std::int64_t producer, std::int32_t sequence = 0) {
  return changed(batch, [&](log::BatchHead& head) {
    head.attributes |= 16;
    head.producer_id = producer;
    head.producer_epoch = 0;
    head.base_sequence = sequence;
  });
}

// The marker that ends one.
inline std::string marker(std::int64_t offset, std::int64_t producer, bool commit) {
  char key[4];  // version, type
  store_big_endian<std::int16_t>(key, 0);
  store_big_endian<std::int16_t>(key + 2, commit ? 1 : 0);
  log::BatchBuilder builder;
  builder.add(offset, std::string_view(key, sizeof key), std::string_view("\0\0\0\0\0\0", 6));
  return changed(builder.finish(offset, 0), [&](log::BatchHead& head) {
    head.attributes |= 16 | 32;
    head.producer_id = producer;
    head.producer_epoch = 0;
  });
}

}  // namespace sluice::testing

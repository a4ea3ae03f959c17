#include "content/compressors.h"

namespace sluice::content {

namespace {

std::unique_ptr<Compressor> make(config::Coding coding) noexcept {
  switch (coding) {
    case config::Coding::kZstd:
      return make_zstd();
    case config::Coding::kBrotli:
      return make_brotli();
    case config::Coding::kGzip:
      return make_gzip();
  }
  return nullptr;
}

}  // namespace

Compressors::Compressors(std::size_t most, std::size_t spare) : most_(most), spare_(spare) {
  for (auto& resting : resting_) resting.reserve(spare);
}

Compressors::Lease Compressors::take(config::Coding coding, unsigned level,
                                     std::optional<std::uint64_t> length) noexcept {
  if (in_use_ >= most_) return {};
  auto& resting = resting_[static_cast<std::size_t>(coding)];
  std::unique_ptr<Compressor> compressor;
  if (resting.empty()) {
    compressor = make(coding);
  } else {
    compressor = std::move(resting.back());
    resting.pop_back();
  }
  if (compressor == nullptr || !compressor->begin(level, length)) return {};
  ++in_use_;
  return {*this, std::move(compressor)};
}

void Compressors::give(std::unique_ptr<Compressor> compressor) noexcept {
  --in_use_;
  if (!compressor->reusable()) return;
  auto& resting = resting_[static_cast<std::size_t>(compressor->coding())];
  if (resting.size() < spare_) resting.push_back(std::move(compressor));
}

}  // namespace sluice::content

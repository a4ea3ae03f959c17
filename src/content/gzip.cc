// gzip by zlib.
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "content/compressors.h"

namespace sluice::content {

namespace {

// Half the time of level 6, for bodies a twentieth larger.
constexpr int kLevel = 4;
constexpr int kGzipWindow = 15 + 16;  // 32 KiB, and the gzip wrapper
constexpr int kMemory = 8;

class Gzip final : public Compressor {
 public:
  ~Gzip() override {
    if (made_) deflateEnd(&stream_);
  }

  [[nodiscard]] config::Coding coding() const noexcept override { return config::Coding::kGzip; }
  [[nodiscard]] bool reusable() const noexcept override { return true; }

  [[nodiscard]] bool begin(unsigned level, std::optional<std::uint64_t>) noexcept override {
    const int wanted = level == 0 ? kLevel : static_cast<int>(std::min(level, 9U));
    if (made_)
      return deflateReset(&stream_) == Z_OK && deflateParams(&stream_, wanted, Z_DEFAULT_STRATEGY) == Z_OK;
    made_ = deflateInit2(&stream_, wanted, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) == Z_OK;
    return made_;
  }

  Progress step(std::span<const char> in, std::span<char> out, Flush flush) noexcept override {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    const std::size_t given = std::min(in.size(), kMost), room = std::min(out.size(), kMost);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(given);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(room);
    const int told = deflate(&stream_, flush == Flush::kNone   ? Z_NO_FLUSH
                                       : flush == Flush::kSync ? Z_SYNC_FLUSH
                                                               : Z_FINISH);
    Progress progress{.taken = given - stream_.avail_in, .made = room - stream_.avail_out};
    // Room that is left says that all has come out; Z_BUF_ERROR only that there was nothing to do.
    progress.complete = flush == Flush::kEnd ? told == Z_STREAM_END
                                             : progress.taken == in.size() &&
                                                   (flush == Flush::kNone || stream_.avail_out != 0);
    progress.failed = told == Z_STREAM_ERROR;
    return progress;
  }

 private:
  z_stream stream_{};
  bool made_ = false;
};

}  // namespace

std::unique_ptr<Compressor> make_gzip() noexcept {
  return std::unique_ptr<Compressor>(new (std::nothrow) Gzip);
}

}  // namespace sluice::content

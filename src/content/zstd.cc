// zstd by libzstd.
#include <zstd.h>

#include <algorithm>
#include <new>

#include "base/bytes.h"
#include "content/compressors.h"

namespace sluice::content {

namespace {

// As small as gzip's level 6 in an eighth of its time. The window costs memory here and in the client, and browsers
// refuse more than 8 MiB (RFC 9659); beyond 256 KiB it gains 2 %.
constexpr int kLevel = 3;
constexpr int kWindow = 18;
constexpr unsigned kMostLevel = 19;           // higher ones are for archives: they take 100 MiB
constexpr std::size_t kWorthKeeping = 4_MiB;  // high levels set up more

class Zstd final : public Compressor {
 public:
  ~Zstd() override { ZSTD_freeCCtx(context_); }

  [[nodiscard]] config::Coding coding() const noexcept override { return config::Coding::kZstd; }
  [[nodiscard]] bool reusable() const noexcept override {
    return ZSTD_sizeof_CCtx(context_) <= kWorthKeeping;
  }

  [[nodiscard]] bool begin(unsigned level, std::optional<std::uint64_t> length) noexcept override {
    if (context_ == nullptr) context_ = ZSTD_createCCtx();
    if (context_ == nullptr) return false;
    const int wanted = level == 0 ? kLevel : static_cast<int>(std::min(level, kMostLevel));
    return well(ZSTD_CCtx_reset(context_, ZSTD_reset_session_and_parameters)) &&
           well(ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, wanted)) &&
           well(ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, kWindow)) &&
           (!length || well(ZSTD_CCtx_setPledgedSrcSize(context_, *length)));
  }

  Progress step(std::span<const char> in, std::span<char> out, Flush flush) noexcept override {
    ZSTD_inBuffer input{.src = in.data(), .size = in.size(), .pos = 0};
    ZSTD_outBuffer output{.dst = out.data(), .size = out.size(), .pos = 0};
    const std::size_t inside = ZSTD_compressStream2(
        context_, &output, &input,
        flush == Flush::kNone ? ZSTD_e_continue : (flush == Flush::kSync ? ZSTD_e_flush : ZSTD_e_end));
    Progress progress{.taken = input.pos, .made = output.pos, .failed = !well(inside)};
    progress.complete = !progress.failed && input.pos == input.size && (flush == Flush::kNone || inside == 0);
    return progress;
  }

 private:
  static bool well(std::size_t told) noexcept { return ZSTD_isError(told) == 0; }

  ZSTD_CCtx* context_ = nullptr;
};

}  // namespace

std::unique_ptr<Compressor> make_zstd() noexcept {
  return std::unique_ptr<Compressor>(new (std::nothrow) Zstd);
}

}  // namespace sluice::content

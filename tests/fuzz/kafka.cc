// Kafka's messages: whatever the bytes are, nothing is read behind them; what is accepted means the same when it is
// written anew, and nothing shorter or longer than that is accepted.
//
// The first byte of an input tells whether what follows the request's header is taken as a request or as a response.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "kafka/codec.h"
#include "kafka/header.h"

namespace sluice::fuzz {
namespace {

// A copy as long as it is: a sanitizer sees a read past the end.
class Copy {
 public:
  explicit Copy(std::string_view bytes) : bytes_(new char[bytes.size()]), size_(bytes.size()) {
    bytes.copy(bytes_.get(), size_);
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

// As text: records that were read have no ranges, so there are none in what is written.
template <typename Message>
std::string written(int version, const Message& message) {
  const relay::Body body = kafka::encode_fields(version, message);
  require(body.size() <= 1, "without records a message is one text");
  return body.empty() ? "" : std::get<std::string>(body.front());
}

template <typename Message>
void check(std::string_view bytes, int version) {
  Message message, again;
  std::string_view why;
  if (!kafka::decode(bytes, version, message, why)) return require(!why.empty(), "a refusal has a reason");
  require(why.empty(), "what is accepted has no mistake");

  const std::string text = written(version, message);
  require(text.size() <= bytes.size(), "what is written anew is no longer: tagged fields and records go");
  require(kafka::decode(text, version, again, why), "what was accepted is accepted again");
  require_same(written(version, again), text, "what was accepted means the same when it is written anew");
  for (const std::size_t cut : {std::size_t{1}, text.size() / 2, text.size()}) {
    if (cut == 0 || cut > text.size()) continue;
    const Copy shorter(std::string_view(text).substr(0, text.size() - cut));
    require(!kafka::decode(shorter.view(), version, again, why), "what is cut is refused");
  }
  require(!kafka::decode(text + '\0', version, again, why), "nothing follows the last field");
}

template <typename Request, typename Response>
void check_either(bool request, std::string_view bytes, int version) {
  if (request) return check<Request>(bytes, version);
  check<Response>(bytes, version);
}

void check_body(bool request, const kafka::RequestHeader& header) {
  switch (header.api->key) {
#define SLUICE_CHECK(Name)     \
  case kafka::ApiKey::k##Name: \
    return check_either<kafka::Name##Request, kafka::Name##Response>(request, header.body, header.version);
    SLUICE_KAFKA_APIS(SLUICE_CHECK)
#undef SLUICE_CHECK
  }
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice;
  if (size == 0) return 0;
  const fuzz::Copy frame({reinterpret_cast<const char*>(data) + 1, size - 1});
  kafka::RequestHeader header;
  std::string_view why;
  const kafka::HeaderVerdict verdict = kafka::decode_header(frame.view(), header, why);
  fuzz::require((verdict == kafka::HeaderVerdict::kOk) == why.empty(),
                "a refusal has a reason, and nothing else has");
  if (verdict != kafka::HeaderVerdict::kOk) return 0;
  fuzz::require(header.body.data() + header.body.size() == frame.view().data() + frame.view().size(),
                "the body is what is left");
  fuzz::check_body(data[0] % 2 == 0, header);
  return 0;
}

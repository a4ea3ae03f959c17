#include "serve/client.h"

namespace sluice::serve {

observe::AccessRecord::Tls log_of(const Secured& secured) noexcept {
  return {.version = secured.version,
          .server_name = secured.server_name,
          .resumed = secured.resumed,
          .kernel = secured.kernel};
}

}  // namespace sluice::serve

// Certificates, keys and authorities that a configuration names: opened and made into contexts, as at start.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/mistakes.h"

namespace sluice::app {

// A mistake for each that can't be used. Gives back what people should know besides: a certificate that ends soon, an OCSP
// response that does not fit. Binds and connects to nothing.
std::vector<std::string> check_tls(const config::Config& config, config::Mistakes& mistakes);

}  // namespace sluice::app

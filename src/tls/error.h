// What is wrong with something TLS needs from its operator: "/etc/site.pem: has expired", one sentence for people.
//
// Thrown while a configuration is loaded; never on the path of a connection.
#pragma once

#include <stdexcept>

namespace sluice::tls {

class TlsError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sluice::tls

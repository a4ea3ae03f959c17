// A Config from a few words of the command line, for trying Sluice without a file.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/parse.h"

namespace sluice::config {

struct QuickOptions {
  unsigned workers = 0;                  // as Config::workers
  std::string access_log;                // as AccessLog::file
  Path path = Path::kAuto;               // forced for every body
  bool server_timing = false;            // http only
  std::string tls_certificate, tls_key;  // PEM files; both or none
  bool tls_self_signed = false;
  bool ktls = false;            // KernelTls::kAuto; needs one of the above
  bool compress = false;        // http only
  bool http2_upstream = false;  // quick_proxy only
  std::string advertise;        // quick_kafka only, as Kafka::advertise
  std::string groups;           // quick_kafka only, as Kafka::groups
  MoreRules more;               // see parse.h
};

// Each throws ConfigError whose lines name the option to correct ("--to: ..."), and returns a valid Config.
// `to`: "host:port" each, or "https://host:port" each: TLS to the servers, which then see their own name as Host; the
// port may be left out for 443. The names of the one upstream and the one route: "origin" and "all".
Config quick_proxy(const std::string& listen, const std::vector<std::string>& to,
                   const QuickOptions& options = {});
Config quick_serve(const std::string& directory, const std::string& listen, const QuickOptions& options = {});
Config quick_tcp(const std::string& listen, const std::vector<std::string>& to,
                 const QuickOptions& options = {});
// `log`: as Kafka::log.
Config quick_kafka(const std::string& log, const std::string& listen, const QuickOptions& options = {});

}  // namespace sluice::config

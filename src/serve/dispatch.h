// From a request's head to the exchange that answers it: by route, or with a refusal.
#pragma once

#include <memory>

#include "serve/client.h"
#include "serve/exchange.h"

namespace sluice::serve {

// Never null, not started. The head stands in `client.held`, which the exchange takes it from.
std::unique_ptr<Exchange> dispatch(Client& client, WorkerState& state, const http::RequestHead& head,
                                   const http::RequestFacts& facts);

// A refusal after which nobody knows where the next request begins. `head`: null when it could not be parsed; what
// could not be parsed is not logged as if it had been.
std::unique_ptr<Exchange> refuse(Client& client, WorkerState& state, int status, const char* why,
                                 const http::RequestHead* head, observe::Ending ending);

}  // namespace sluice::serve

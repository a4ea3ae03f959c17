#include "relay/ledger.h"

#include "catch.h"

using sluice::relay::Ledger;

TEST_CASE("the books balance only when every byte is out or held", "[ledger]") {
  Ledger ledger;
  CHECK(ledger.balances(0));
  ledger.came_in(10);
  CHECK(ledger.balances(10));
  CHECK_FALSE(ledger.balances(0));  // a tail that was forgotten
  ledger.went_out(4);
  CHECK(ledger.balances(6));
  CHECK_FALSE(ledger.balances(10));  // counted as held, and sent as well
  ledger.went_out(7);
  CHECK_FALSE(ledger.balances(0));  // more went out than came in
  CHECK(ledger.in() == 10);
  CHECK(ledger.out() == 11);
}

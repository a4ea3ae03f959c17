#include "log/record_json.h"

#include <nlohmann/json.hpp>

#include "catch.h"

using namespace sluice::log;

TEST_CASE("a record is one JSON object; what is no text comes as base64", "[record-json]") {
  const auto json = [](const Record& record) {
    std::string out;
    append_json(out, record);
    return out;
  };
  CHECK(json({.offset = 7, .timestamp = 1763710000000, .key = "k", .value = "v"}) ==
        R"({"offset":7,"timestamp":1763710000000,"key":"k","value":"v","headers":[]})");
  CHECK(json({.offset = 0, .key = std::nullopt, .value = std::nullopt}) ==
        R"({"offset":0,"timestamp":-1,"key":null,"value":null,"headers":[]})");
  CHECK(json({.key = "", .value = "\xff"}) ==
        R"({"offset":0,"timestamp":-1,"key":"","value_base64":"/w==","headers":[]})");

  const std::string all = [] {
    std::string bytes;
    for (int c = 0; c < 128; ++c) bytes.push_back(static_cast<char>(c));
    return bytes + "\xc3\xa4\xe2\x82\xac";
  }();
  const auto parsed =
      nlohmann::json::parse(json({.value = all, .headers = {{"a", "1"}, {"\xff", std::nullopt}}}));
  CHECK(parsed["value"] == all);
  CHECK(parsed["headers"][0] == nlohmann::json({{"key", "a"}, {"value", "1"}}));
  CHECK(parsed["headers"][1] == nlohmann::json({{"key_base64", "/w=="}, {"value", nullptr}}));
  for (const auto& [raw, text] : {std::pair("\xff\xfe", "//4="), {"\xff\xfe\xfd", "//79"}})
    CHECK(nlohmann::json::parse(json({.value = raw}))["value_base64"] == text);
}

// Catch2 is version 2 in Debian 12 and version 3 in Debian 13; the macros used here are common to both, and so are the
// matchers but for one, which has its later name here.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Matchers::ContainsSubstring;
#else
#include <catch2/catch.hpp>
inline auto ContainsSubstring(const std::string& text) { return Catch::Contains(text); }
#endif

using namespace Catch::Generators;

#include "app/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "config/size.h"

namespace sluice::app {
namespace {

// Two medians this near are the same: what one sees of the other's advantage is noise.
constexpr double kSame = 1.02;
// Medians of rounds that differ by more than this part of them are not to be trusted.
constexpr double kUnsteady = 0.25;
constexpr double kNothing = 1e-9;  // sums of doubles

// How much is lost by taking the path `chosen` for a size, as a logarithm: twice the cost of one size weighs as much as that
// of another.
double regret(const Curve::Row& row, std::size_t chosen) {
  const double taken = row.by_path[chosen].median(), other = row.by_path[1 - chosen].median();
  return taken <= other * kSame || other <= 0 ? 0 : std::log(taken / other);
}

std::string percent(double part) { return std::to_string(std::lround(part * 100)) + " %"; }

// `at`: the first row that the second path gets.
std::string doubt_about(const Curve& curve, std::size_t at) {
  for (std::size_t i = at == 0 ? 0 : at - 1; i < std::min(at + 2, curve.rows.size()); ++i)
    for (const Samples& samples : {curve.rows[i].by_path[0], curve.rows[i].by_path[1]})
      if (samples.spread() > kUnsteady)
        return "at " + config::size_text(curve.rows[i].size) +
               " the rounds differ a lot: measure again while the machine is quiet";
  for (std::size_t i = 0; i < curve.rows.size(); ++i) {
    const std::size_t chosen = i < at ? 0 : 1;
    if (const double lost = regret(curve.rows[i], chosen); lost > 0)
      return "the curves cross more than once: at " + config::size_text(curve.rows[i].size) + " " +
             curve.paths[1 - chosen] + " was cheaper, by " + percent(1 - std::exp(-lost));
  }
  return "";
}

std::string padded(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::string cell(const Samples& samples) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.2f +-%2.0f%%", samples.median() / 1000, samples.spread() * 50);
  return text.data();
}

std::string sentence(const Curve& curve, const Crossing& crossing) {
  const std::string& path = curve.paths[1];
  switch (crossing.kind) {
    case Crossing::Kind::kCrosses:
      return path + " costs no more than copying from " + config::size_text(crossing.least) + " on";
    case Crossing::Kind::kAlways:
      return "the curves don't cross: " + path + " costs no more than copying, however small the body";
    case Crossing::Kind::kNever:
      return "the curves don't cross: copying is cheaper than " + path + ", however large the body";
    case Crossing::Kind::kUnknown:
      break;
  }
  return "nothing was measured: the built-in threshold stays";
}

}  // namespace

double Samples::quantile(double part) const {
  if (ns.empty()) return 0;
  std::vector<double> sorted = ns;
  std::sort(sorted.begin(), sorted.end());
  const double at = part * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - static_cast<double>(below));
}

double Samples::spread() const {
  const double middle = median();
  return middle > 0 ? (quantile(0.75) - quantile(0.25)) / middle : 0;
}

Crossing crossing_of(const Curve& curve) {
  if (curve.rows.empty()) return {};
  // All by the second path, then one size after the other by the first; the smallest threshold of the cheapest.
  double lost = 0;
  for (const Curve::Row& row : curve.rows) lost += regret(row, 1);
  double least_lost = lost;
  std::size_t at = 0;
  for (std::size_t i = 0; i < curve.rows.size(); ++i) {
    lost += regret(curve.rows[i], 0) - regret(curve.rows[i], 1);
    if (lost < least_lost - kNothing) {
      least_lost = lost;
      at = i + 1;
    }
  }
  using Kind = Crossing::Kind;
  Crossing found;
  found.kind = at == 0 ? Kind::kAlways : at == curve.rows.size() ? Kind::kNever : Kind::kCrosses;
  found.least = found.kind == Kind::kNever ? kNoBodySoLarge : curve.rows[at].size;
  found.doubt = doubt_about(curve, at);
  return found;
}

std::string told(const Curve& curve, const Crossing& crossing) {
  constexpr std::size_t kSize = 8, kCell = 18;
  std::string out =
      "from a " + curve.name + ", microseconds of processor time a body\n" + padded("size", kSize);
  for (const std::string& path : curve.paths) out += padded(path, kCell);
  out += '\n';
  for (const Curve::Row& row : curve.rows) {
    out += padded(config::size_text(row.size), kSize);
    for (const Samples& samples : row.by_path) out += padded(cell(samples), kCell);
    out += '\n';
  }
  out += sentence(curve, crossing) + '\n';
  if (!crossing.doubt.empty()) out += "doubtful: " + crossing.doubt + '\n';
  return out;
}

std::string file_text(const Calibration& calibration) {
  using nlohmann::ordered_json;
  ordered_json curves = ordered_json::array();
  for (const Curve& curve : calibration.curves)
    for (const Curve::Row& row : curve.rows)
      for (std::size_t i = 0; i < curve.paths.size(); ++i)
        curves.push_back({{"from", curve.name},
                          {"path", curve.paths[i]},
                          {"size", row.size},
                          {"ns", std::llround(row.by_path[i].median())},
                          {"spread", std::round(row.by_path[i].spread() * 1000) / 1000}});
  const ordered_json file = {{"format", 1},
                             {"splice_min", calibration.splice_min},
                             {"sendfile_min", calibration.sendfile_min},
                             {"kernel", calibration.kernel},
                             {"processor", calibration.processor},
                             {"date", calibration.date},
                             {"sluice", calibration.version},
                             {"curve", std::move(curves)}};
  return file.dump(1) + "\n";
}

}  // namespace sluice::app

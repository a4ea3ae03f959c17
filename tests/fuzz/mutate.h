// Inputs out of inputs: a few small changes each, and the same ones for the same seed on every machine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sluice::fuzz {

inline std::string read_file(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The words of a dictionary in libFuzzer's form: one a line, quoted, with \\, \" and \xAB.
inline std::vector<std::string> read_dictionary(const std::string& name) {
  std::vector<std::string> words;
  std::ifstream in(name);
  for (std::string line; std::getline(in, line);) {
    const std::size_t begin = line.find('"'), end = line.rfind('"');
    if (line.starts_with('#') || begin == end) continue;
    std::string word;
    for (std::size_t i = begin + 1; i < end; ++i) {
      if (line[i] != '\\') {
        word += line[i];
      } else if (line[i + 1] == 'x') {
        word += static_cast<char>(std::stoi(line.substr(i + 2, 2), nullptr, 16));
        i += 3;
      } else {
        word += line[++i];
      }
    }
    words.push_back(word);
  }
  return words;
}

class Mutator {
 public:
  // `inputs` is not empty.
  Mutator(std::uint64_t seed, std::vector<std::string> inputs, std::vector<std::string> words)
      : random_(seed), inputs_(std::move(inputs)), words_(std::move(words)) {}

  std::string next() {
    std::string out = any(inputs_);
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(out);
    if (out.size() > kMost) out.resize(kMost);
    return out;
  }

 private:
  static constexpr std::size_t kMost = 4096;

  // Not a distribution of the library: those differ between implementations.
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  const std::string& any(const std::vector<std::string>& of) { return of[below(of.size())]; }
  char any_byte() {
    static constexpr char kTelling[] = "\r\n\0 \t:;,/?#%.=\"-09azAF\x7f\x80\xff";
    return below(2) == 0 ? kTelling[below(sizeof kTelling - 1)] : static_cast<char>(below(256));
  }

  void change(std::string& text) {
    const std::size_t at = below(text.size() + 1), most = text.size() - at;
    const std::size_t size = std::min(most, 1 + below(16));
    switch (below(8)) {
      case 0:
        if (most > 0) text[at] = any_byte();
        return;
      case 1:
        if (most > 0) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        return;
      case 2:
        text.insert(at, 1, any_byte());
        return;
      case 3:
        text.erase(at, size);
        return;
      case 4:  // once more, elsewhere
        text.insert(below(text.size() + 1), text.substr(at, size));
        return;
      case 5:
        if (!words_.empty()) text.insert(at, any(words_));
        return;
      case 6: {  // a line of this one, or of another, once more
        const std::string& other = below(2) == 0 ? text : any(inputs_);
        const std::size_t begin = other.find('\n', below(other.size() + 1));
        if (begin == std::string::npos) return;
        const std::string line = other.substr(begin + 1, other.find('\n', begin + 1) - begin);
        const std::size_t before = text.find('\n', at);
        text.insert(before == std::string::npos ? at : before + 1, line);
        return;
      }
      default: {  // goes on as another one does
        const std::string& other = any(inputs_);
        text.replace(at, most, other.substr(std::min(at, other.size())));
        return;
      }
    }
  }

  std::mt19937_64 random_;
  std::vector<std::string> inputs_, words_;
};

}  // namespace sluice::fuzz

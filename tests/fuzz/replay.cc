// Runs a fuzz target without a fuzzer: on the inputs given, then on changed ones. Any compiler can build it.
//
//   fuzz_request [--runs N] [--seed N] [--dict FILE] FILE|DIRECTORY...
//
// The input that breaks a property is kept in crash-<program>, and can be given back as FILE.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>

#include "fuzz/inputs.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

namespace {

std::string current, kept_as;

// The state of a broken program is not to be trusted, but this much has to work.
void keep_current(int signal) {
  if (std::FILE* out = std::fopen(kept_as.c_str(), "wb")) {
    std::fwrite(current.data(), 1, current.size(), out);
    std::fclose(out);
    std::fprintf(stderr, "the input is kept in %s (%zu bytes)\n", kept_as.c_str(), current.size());
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string program = std::filesystem::path(argv[0]).filename().string();
  sluice::fuzz::Inputs inputs(argc, argv);
  kept_as = "crash-" + program;
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, keep_current);

  std::printf("%s: %zu inputs, and %lu more with --seed %lu\n", program.c_str(), inputs.given(),
              inputs.runs(), inputs.seed());
  std::fflush(stdout);
  while (auto input = inputs.next()) {
    current = std::move(*input);
    (void)LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(current.data()), current.size());
  }
  std::puts("all hold");
  return 0;
}

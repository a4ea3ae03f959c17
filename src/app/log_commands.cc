#include "app/log_commands.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <ostream>
#include <string>
#include <vector>

#include "app/cli.h"
#include "app/log_append.h"
#include "app/log_dump.h"
#include "app/log_upkeep.h"
#include "base/topic_name.h"
#include "config/duration.h"
#include "config/size.h"
#include "log/compression.h"
#include "log/names.h"
#include "os/clock.h"
#include "os/input.h"

namespace sluice::app {

namespace {

using std::chrono::milliseconds;

const CLI::Validator kTopicName(
    [](const std::string& text) {
      return is_topic_name(text)
                 ? ""
                 : "\"" + text + "\" can't be a topic's name: use letters, digits, \".\", \"_\", \"-\"";
    },
    "");

void add_log_directory(CLI::App& command, std::string& into) {
  command.add_option("LOGDIR", into, "Directory that holds <topic>-<partition>/")->required()->type_name("");
}

CLI::Option* add_topic(CLI::App& command, std::string& into, const char* help = "Topic") {
  return command.add_option("TOPIC", into, help)->type_name("")->check(kTopicName);
}

// `into`: a number, or an optional one.
template <typename Number>
void add_partition(CLI::App& command, Number& into, const char* help) {
  command.add_option("--partition", into, help)
      ->type_name("N")
      ->check(CLI::Range(0, log::kMostPartitions - 1));
}

// In words that a configuration understands, too.
template <typename Size>
CLI::Option* add_size(CLI::App& command, const std::string& name, Size& into, const char* help,
                      std::uint64_t least, std::uint64_t most) {
  const auto take = [&into, name, least, most](const std::string& text) {
    std::string remedy;
    const auto size = config::parse_size(text, remedy);
    if (!size) throw CLI::ValidationError(name, remedy);
    if (*size < least || *size > most)
      throw CLI::ValidationError(name,
                                 "must be " + config::size_text(least) + " to " + config::size_text(most));
    into = *size;
  };
  return command.add_option_function<std::string>(name, take, help)->type_name("SIZE");
}

template <typename Duration>
CLI::Option* add_duration(CLI::App& command, const std::string& name, Duration& into, const char* help) {
  const auto take = [&into, name](const std::string& text) {
    std::string remedy;
    const auto duration = config::parse_duration(text, remedy);
    if (!duration) throw CLI::ValidationError(name, remedy);
    into = *duration;
  };
  return command.add_option_function<std::string>(name, take, help)->type_name("DURATION");
}

void add_fsync(CLI::App& command, std::uint64_t& every) {
  const auto take = [&every](const std::string& text) {
    if (text == "never") return void(every = 0);
    if (text == "batch") return void(every = 1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), every);
    if (error != std::errc() || end != text.data() + text.size() || every == 0)
      throw CLI::ValidationError("--fsync", "write never, batch, or a number of batches");
  };
  command
      .add_option_function<std::string>(
          "--fsync", take, "When batches must have reached the disk: never, batch (each), or each N batches")
      ->type_name("WHEN")
      ->default_str("never");
}

}  // namespace

struct LogCommands::Words {
  LogAppend append;
  std::string codec = "none";
  LogScope scope;
  LogDump dump;
  bool json = false, strict = false;
  log::TrimRule trim;
  std::optional<milliseconds> older_than;
};

LogCommands::LogCommands(CLI::App& app) : words_(std::make_unique<Words>()) {
  constexpr std::uint64_t kMost = 2_GiB - 1;
  Words& words = *words_;
  log_ = app.add_subcommand("log", "Write, show, check and trim topics in segment files");
  log_->require_subcommand(1);
  log_->footer(
      "\nExample:\n  sluice log append /var/log/topics greetings < lines.txt\n  sluice log COMMAND --help");

  append_ = log_->add_subcommand("append", "Append the lines of standard input to a topic");
  LogAppend& append = words.append;
  add_log_directory(*append_, append.directory);
  add_topic(*append_, append.topic)->required();
  add_partition(*append_, append.partition, "Partition");
  append_
      ->add_option("--key-separator", append.key_separator,
                   "Between key and value; without one there are no keys")
      ->type_name("C");
  append_->add_option("--codec", words.codec, "Compress batches")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}))
      ->type_name("CODEC")
      ->capture_default_str();
  add_duration(*append_, "--linger", append.linger,
               "How long a line may wait for others to come into its batch")
      ->default_str(config::duration_text(append.linger));
  add_size(*append_, "--batch-bytes", append.batch_bytes, "A batch of this size waits for no more lines", 1,
           kMost)
      ->default_str(config::size_text(append.batch_bytes));
  add_size(*append_, "--segment-bytes", append.writer.segment_bytes, "The largest segment", 1_KiB, kMost)
      ->default_str(config::size_text(append.writer.segment_bytes));
  add_fsync(*append_, append.writer.fsync_every);
  append_->footer(
      "\nExample:\n  tail -F app.log | sluice log append /var/log/topics app --codec zstd\n"
      "The topic is made where it is missing, and a torn end mended. One process may write to a partition at "
      "a time.\n"
      "Lines are values as they are, without the newline; the longest is 1MiB, or half a segment.\n"
      "SIGINT and SIGTERM write what was read and end it.");

  list_ = log_->add_subcommand("list", "List topics and partitions, with their offsets and sizes");
  add_log_directory(*list_, words.scope.directory);
  list_->add_flag("--json", words.json, "A JSON object a line");
  list_->footer("\nExample:\n  sluice log list /var/log/topics");

  dump_ = log_->add_subcommand("dump", "Show batches and records");
  add_log_directory(*dump_, words.dump.directory);
  add_topic(*dump_, words.dump.topic)->required();
  add_partition(*dump_, words.dump.partition, "Partition");
  dump_->add_option("--from", words.dump.from, "The first offset to show")->type_name("OFFSET");
  dump_->add_option("--count", words.dump.count, "How many records (with --batches: batches) to show")
      ->type_name("N");
  dump_->add_flag("--batches", words.dump.batches, "Batches only, without their records");
  dump_->add_flag("--json", words.dump.json, "A JSON object a line, for each record (with --batches: batch)");
  dump_->footer(
      "\nExample:\n  sluice log dump /var/log/topics greetings --from 1000 --count 10\n"
      "Bytes that are no text are escaped; in JSON they come as base64 (key_base64, value_base64).");

  verify_ = log_->add_subcommand("verify", "Check every CRC, record and index entry");
  add_log_directory(*verify_, words.scope.directory);
  add_topic(*verify_, words.scope.topic, "Topic; without one all are checked");
  verify_->add_flag("--strict", words.strict, "A torn end is an error, too, not only a note");
  verify_->footer(
      "\nExample:\n  sluice log verify /var/log/topics && echo right\nReads everything, changes nothing.");

  trim_ = log_->add_subcommand("trim", "Remove the oldest segments of a topic");
  add_log_directory(*trim_, words.scope.directory);
  add_topic(*trim_, words.scope.topic)->required();
  add_partition(*trim_, words.scope.partition, "Partition; without it each, by itself");
  CLI::App* const rule = trim_->add_option_group("which segments go; one of");
  rule->require_option(1);
  rule->add_option("--before", words.trim.before, "Those that only have offsets below this")
      ->type_name("OFFSET");
  add_size(*rule, "--keep-bytes", words.trim.keep_bytes, "Those that are not needed to have this many bytes",
           0, std::uint64_t{1} << 62);
  add_duration(*rule, "--older-than", words.older_than, "Those that only have records this old, or older");
  trim_->footer(
      "\nExample:\n  sluice log trim /var/log/topics access --older-than 168h\n"
      "Whole segments go, never the last one. Refused while somebody writes there, or a Kafka broker runs.");
}

LogCommands::~LogCommands() = default;

std::function<int()> LogCommands::chosen(std::ostream& out, std::ostream& err) const {
  if (!log_->parsed()) return {};
  const auto told = [&err](auto work) {
    return [&err, work]() -> int {
      try {
        return work();
      } catch (const std::exception& e) {
        err << "sluice: " << e.what() << '\n';
        return kExitRuntime;
      }
    };
  };
  const Words& words = *words_;
  if (append_->parsed()) {
    LogAppend append = words.append;
    append.codec = *log::codec_named(words.codec);
    if (append.key_separator == "\\t") append.key_separator = "\t";
    return told([append, &err] { return append_lines(append, os::kStandardInput, err); });
  }
  if (list_->parsed())
    return told([scope = words.scope, json = words.json, &out] { return list_logs(scope, json, out); });
  if (dump_->parsed()) return told([dump = words.dump, &out, &err] { return dump_log(dump, out, err); });
  if (verify_->parsed())
    return told(
        [scope = words.scope, strict = words.strict, &out] { return verify_logs(scope, strict, out); });
  log::TrimRule rule = words.trim;
  if (words.older_than) {
    const auto now = os::wall_now().time_since_epoch();
    rule.older_than = std::chrono::duration_cast<milliseconds>(now - *words.older_than).count();
  }
  return told([scope = words.scope, rule, &out] { return trim_logs(scope, rule, out); });
}

}  // namespace sluice::app

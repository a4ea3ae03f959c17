// What was made of the operator's files, kept while the files stay as they are.
//
// A file is known by what stat() tells; only a changed one is read again. So keys that root alone may read are read once,
// before the process becomes another user, and a reload afterwards does without them. A file that has changed and can't
// be used (half of a pair replaced, unreadable, broken) leaves in use what was made before, with one warning; it is
// tried again the next time.
// Thread    the main thread's: reading may block.
// Errors    get() throws TlsError when there is nothing to go on with.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "observe/counters.h"
#include "tls/error.h"
#include "tls/key_pair.h"

namespace sluice::tls {

struct Stamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t changed_s = 0, changed_ns = 0;  // mtime
  bool operator==(const Stamp&) const = default;
};

// Both throw TlsError: "FILE: Permission denied".
Stamp stamp_of(const std::string& file);
std::string read_file(const std::string& file, Stamp& stamp);

// Says each thing once: again only when it was something else, or nothing, in between.
class Complaints {
 public:
  explicit Complaints(std::function<void(const std::string&)> warn) : warn_(std::move(warn)) {}
  void say(const std::string& about, const std::string& message) {
    std::string& last = last_[about];
    if (last == message) return;
    last = message;
    warn_(message);
  }
  // True: there was a complaint, and it is over.
  bool clear(const std::string& about) { return last_.erase(about) != 0; }

 private:
  std::function<void(const std::string&)> warn_;
  std::map<std::string, std::string> last_;
};

template <typename T>
class Files {
 public:
  using Names = std::vector<std::string>;
  using Make = std::function<std::shared_ptr<const T>(const std::vector<PemText>&)>;

  Files(Make make, Complaints& complaints, observe::Counters& counters)
      : make_(std::move(make)), complaints_(complaints), counters_(counters) {}

  std::shared_ptr<const T> get(const Names& names) {
    Entry& entry = entries_[names];
    entry.wanted = true;
    try {
      if (entry.made != nullptr && stamps(names) == entry.stamps) return settled(entry, names);
      std::vector<PemText> texts;
      std::vector<Stamp> read;
      for (const std::string& name : names) {
        Stamp stamp;
        texts.push_back({.file = name, .text = read_file(name, stamp)});
        read.push_back(stamp);
      }
      auto made = make_(texts);
      for (PemText& each : texts) wipe(each.text);  // one of them may be a key
      if (entry.made != nullptr) counters_.tls_reloads.add();
      entry.made = std::move(made);
      entry.stamps = std::move(read);
      return settled(entry, names);
    } catch (const TlsError& error) {
      if (entry.made == nullptr) {
        entries_.erase(names);
        throw;
      }
      counters_.tls_reloads_failed.add();
      complaints_.say(names.front(), std::string(error.what()) + "; what was read before stays in use");
      return entry.made;
    }
  }

  // What was not asked for since the last call and is held by nobody else goes.
  void forget_unwanted() {
    std::erase_if(entries_, [](const auto& entry) {
      return !entry.second.wanted && entry.second.made.use_count() <= 1;
    });
    for (auto& [names, entry] : entries_) entry.wanted = false;
  }

 private:
  struct Entry {
    std::vector<Stamp> stamps;
    std::shared_ptr<const T> made;
    bool wanted = false;
  };

  static std::vector<Stamp> stamps(const Names& names) {
    std::vector<Stamp> found;
    for (const std::string& name : names) found.push_back(stamp_of(name));
    return found;
  }

  std::shared_ptr<const T> settled(const Entry& entry, const Names& names) {
    complaints_.clear(names.front());
    return entry.made;
  }

  static void wipe(std::string& text) noexcept { OPENSSL_cleanse(text.data(), text.size()); }

  Make make_;
  Complaints& complaints_;
  observe::Counters& counters_;
  std::map<Names, Entry> entries_;
};

}  // namespace sluice::tls

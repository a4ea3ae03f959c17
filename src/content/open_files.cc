#include "content/open_files.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "content/lookup.h"
#include "os/shortage.h"

namespace sluice::content {

namespace {

// A root is known by its address: its entries keep it alive, so that no other can take the address meanwhile.
struct KeyView {
  const os::UniqueFd* root;
  std::string_view path;
};
struct Key {
  std::shared_ptr<os::UniqueFd> root;
  std::string path;
  operator KeyView() const noexcept { return {root.get(), path}; }
};
struct KeyHash {
  using is_transparent = void;
  std::size_t operator()(KeyView key) const noexcept {
    return std::hash<std::string_view>{}(key.path) ^ std::hash<const void*>{}(key.root);
  }
};
struct KeyEqual {
  using is_transparent = void;
  bool operator()(KeyView a, KeyView b) const noexcept { return a.root == b.root && a.path == b.path; }
};

// How long the outcome of a look-up off the loop waits to be fetched by the find() that follows `ready`.
constexpr std::chrono::seconds kKeepOutcome{1};

struct Entry : ListLink {
  Opened opened;
  os::Time checked;
  bool outcome = false;      // of a look-up off the loop, not fetched yet
  const Key* key = nullptr;  // in the map's node, which stays where it is
};

}  // namespace

struct OpenFiles::Impl {
  using Map = std::unordered_map<Key, Entry, KeyHash, KeyEqual>;

  loop::EventLoop& loop;
  loop::Offload& offload;
  const std::size_t capacity;
  bool ask_here;  // the kernel can look up names without waiting
  Map entries{};
  List<Entry> by_use{};  // least recently used first

  // What is known of the name from now on. The same file as before keeps its File, which remembers the pages.
  Entry& put(std::shared_ptr<os::UniqueFd> root, std::string path, Opened opened) {
    const auto [at, is_new] = entries.try_emplace(Key{std::move(root), std::move(path)});
    Entry& entry = at->second;
    entry.key = &at->first;
    const bool same = !is_new && opened.result.found == Found::kFile &&
                      entry.opened.result.found == Found::kFile && opened.identity == entry.opened.identity;
    if (!same) entry.opened = std::move(opened);
    entry.checked = loop.now();
    entry.outcome = false;
    by_use.push_back(entry);
    while (entries.size() > capacity) erase(*by_use.front());
    return entry;
  }

  void erase(Entry& entry) { entries.erase(entries.find(static_cast<KeyView>(*entry.key))); }

  // The file if the name still leads to it; kPending when only a disk can tell. What else the name leads to
  // now is for look_up() to say: kMissing.
  Found revalidate(Entry& entry) {
    struct stat status;
    int error = 0;
    const Key& key = *entry.key;
    if (!os::status_beneath(key.root->get(), key.path.empty() ? "." : key.path.c_str(),
                            os::Lookup::kCachedOnly, status, error)) {
      // Out of descriptors there is no asking, and the file at hand is better than none.
      if (error != EAGAIN && os::is_shortage(error)) return Found::kFile;
      return found_of(error, os::Lookup::kCachedOnly) == Found::kPending ? Found::kPending : Found::kMissing;
    }
    if (identity_of(status) != entry.opened.identity) return Found::kMissing;
    entry.checked = loop.now();
    return Found::kFile;
  }

  FindResult look_up_off_loop(const std::shared_ptr<os::UniqueFd>& root, std::string_view path,
                              loop::Ticket& ticket, std::function<void()> ready) {
    const auto opened = std::make_shared<Opened>();
    std::string name(path);
    const auto work = [root, name, opened] { *opened = look_up(*root, name, os::Lookup::kMayBlock); };
    const auto done = [this, root, name, opened, tell = std::move(ready)] {
      put(root, name, std::move(*opened)).outcome = true;
      tell();
    };
    if (offload.run(loop, ticket, work, done)) return {.found = Found::kPending, .file = nullptr, .error = 0};
    return {.found = Found::kFailed, .file = nullptr, .error = EAGAIN};  // too many are waiting
  }
};

OpenFiles::OpenFiles(loop::EventLoop& loop, loop::Offload& offload, std::size_t capacity, bool ask_here)
    : impl_(new Impl{.loop = loop,
                     .offload = offload,
                     .capacity = std::max<std::size_t>(capacity, 1),
                     .ask_here = ask_here}) {}

OpenFiles::~OpenFiles() = default;

void OpenFiles::forget(const os::UniqueFd& root) noexcept {
  std::erase_if(impl_->entries, [&](const auto& each) { return each.first.root.get() == &root; });
}

std::size_t OpenFiles::size() const noexcept { return impl_->entries.size(); }

FindResult OpenFiles::find(const std::shared_ptr<os::UniqueFd>& root, std::string_view path,
                           std::chrono::milliseconds revalidate, loop::Ticket& ticket,
                           std::function<void()> ready) {
  Impl& impl = *impl_;
  if (const auto at = impl.entries.find(KeyView{root.get(), path}); at != impl.entries.end()) {
    Entry& entry = at->second;
    const auto age = impl.loop.now() - entry.checked;
    const bool fetched = std::exchange(entry.outcome, false) && age < kKeepOutcome;
    if (entry.opened.result.found != Found::kFile) {  // an outcome; only files are kept
      FindResult result = entry.opened.result;
      impl.erase(entry);
      if (fetched) return result;
    } else {
      Found now = fetched || age < revalidate ? Found::kFile : Found::kPending;
      if (now == Found::kPending && impl.ask_here) now = impl.revalidate(entry);
      if (now == Found::kFile) {
        impl.by_use.push_back(entry);
        return entry.opened.result;
      }
      if (now == Found::kPending) return impl.look_up_off_loop(root, path, ticket, std::move(ready));
      impl.erase(entry);  // replaced or gone
    }
  }

  if (impl.ask_here) {
    std::string name(path);
    Opened opened = look_up(*root, name, os::Lookup::kCachedOnly);
    const Found found = opened.result.found;
    if (found == Found::kFile) return impl.put(root, std::move(name), std::move(opened)).opened.result;
    if (found != Found::kPending) return opened.result;
    // An old kernel would say so each time.
    impl.ask_here = opened.result.error == EAGAIN;
  }
  return impl.look_up_off_loop(root, path, ticket, std::move(ready));
}

}  // namespace sluice::content

// One JSON line an exchange, written off the loop threads.
//
// A worker formats into its own batch and hands it over once a tick or when it is large, so the path of a
// request takes no lock. Bounded: lines that the disk can't keep up with are dropped and counted, never
// waited for. So are those that can't be written; that is told in the error log, and when it is over.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "observe/counters.h"
#include "observe/ending.h"
#include "os/address.h"
#include "os/clock.h"

namespace sluice::observe {

struct AccessRecord {
  os::WallTime time;  // when the request began
  os::Address client;
  std::string_view method, host, target, user_agent, referer;  // raw; escaped when written
  std::string_view protocol;                                   // "HTTP/1.1", "tcp"
  struct Tls {
    std::string_view version;  // "TLSv1.3"; empty: none of this is written
    std::string_view server_name;
    bool resumed = false, kernel = false;
  } tls;
  std::string_view route;
  std::string_view upstream;           // "127.0.0.1:9001"; empty: none was used
  std::string_view upstream_protocol;  // "HTTP/2"; empty: HTTP/1.1, or none
  int status = 0;                      // what the client was told; 0: nothing
  std::uint64_t bytes_in = 0;          // request body bytes
  std::uint64_t bytes_out = 0;         // response body bytes delivered
  std::uint64_t zero_copy = 0;         // of both, those that never were in user memory
  std::string_view coding = {};    // "gzip": what the response body was compressed to; bytes_out are of that
  std::uint64_t uncompressed = 0;  // ... and its bytes before
  std::string_view path, why;      // relay::Strategy and relay::Reason (or a http::Verdict) by name
  Ending end = Ending::kCompleted;
  std::chrono::microseconds total{0};
  std::chrono::microseconds connect{-1}, first_byte{-1};  // < 0: did not happen
};

// Where the lines go. Made on any thread; then the writer thread's, which may wait for a disk.
class LineStore {
 public:
  struct Outcome {
    std::size_t lost = 0;  // lines that could not be stored
    std::string error;     // why; empty: all is well
  };
  virtual ~LineStore() = default;
  // `text` is `lines` lines, at least one, each ended by "\n".
  virtual Outcome write(std::string_view text, std::size_t lines) = 0;
  // After a rotation. Why it can't be opened again, and the old place goes on; empty: done, or there is nothing to do.
  virtual std::string reopen() { return {}; }
};

// `file`: a path, or "-" for standard output. Throws std::runtime_error when it can't be opened.
std::unique_ptr<LineStore> lines_in_file(const std::string& file);

// The store and its writer thread; one per process, shared by the workers' batches.
class AccessLog {
 public:
  AccessLog(const std::string& file, std::size_t queue_lines);  // as lines_in_file()
  // `name`: of the store, for the error log.
  AccessLog(std::string name, std::unique_ptr<LineStore> store, std::size_t queue_lines);
  ~AccessLog();  // writes what waits
  // Hands `lines` lines over, each ended by "\n"; false: the queue is full, they are dropped. Any thread.
  bool submit(std::string&& text, std::size_t lines);
  void reopen();  // after a file was renamed (log rotation); any thread
  // Lines that were accepted and could not be written, since the last call. Any thread.
  std::uint64_t take_lost() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One worker's lines on their way. Worker thread only.
class AccessBatch {
 public:
  AccessBatch(std::shared_ptr<AccessLog> log, Counters& counters);
  ~AccessBatch() { flush(); }
  void add(const AccessRecord& record);  // does nothing when there is no log
  void flush();
  [[nodiscard]] bool empty() const noexcept { return lines_ == 0; }

 private:
  void append_time(os::WallTime time);

  std::shared_ptr<AccessLog> log_;
  Counters& counters_;
  std::string text_;
  std::size_t lines_ = 0;
  std::time_t second_ = -1;  // whose text is second_text_, "2026-11-21T01:02:03."
  std::string second_text_;
};

}  // namespace sluice::observe

// Clients and servers that speak HTTP/1 on the machine, by plain means of their own: nothing of src/http.
//
// A request's target says what its answer shall be ("/c0r2-chunked-1200"), so that both ends know what to expect of
// each other, and a byte that reaches the wrong one shows.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "machine.h"

namespace sluice::faults {

enum class Answer : std::uint8_t { kLength, kChunked, kUntilClose, kNoContent, kSwitch, kNoSwitch };

struct Request {
  std::string id;
  Answer answer = Answer::kLength;
  bool head_only = false, http10 = false, post = false, chunked = false;
  std::size_t size = 0;       // of the response's body
  std::size_t body_size = 0;  // of the request's
  std::size_t number = 0;     // unique in a schedule: which pattern the bodies are
  std::size_t end = 0;        // of its bytes in the client's script

  [[nodiscard]] std::string_view body() const;      // the request's
  [[nodiscard]] std::string_view expected() const;  // the response's
};

// What a schedule knows of all its requests, by id.
struct Book {
  std::map<std::string, Request, std::less<>> requests;
  std::map<std::string, int, std::less<>> received;  // by servers: how often, whole or not
  bool trouble = false;  // somebody cut, stalled or answered nonsense: not every request can be answered
};

class Client {
 public:
  Client(Machine& machine, Book& book, std::size_t index);

  std::shared_ptr<Connection> connection;
  // Everything is over, and nothing more will come: what arrived has to make sense.
  void judge(Machine& machine, const Book& book) const;
  // All its requests were answered, or its connection is gone.
  [[nodiscard]] bool is_served(const Book& book) const;
  [[nodiscard]] std::size_t whole_answers() const;

 private:
  struct Reading;
  [[nodiscard]] Reading read() const;

  std::vector<Request> requests_;
  std::string tunnel_;  // what it sends after a 101
  bool cuts_ = false;   // it leaves before all was sent
};

class Server {
 public:
  Server(Machine& machine, Book& book, std::shared_ptr<Connection> connection);
  void play();  // a turn: reads what has come, and perhaps answers

  std::shared_ptr<Connection> connection;

 private:
  bool read_request();
  void answer(const Request& request);

  Machine& machine_;
  Book& book_;
  const Request* current_ = nullptr;
  std::size_t read_ = 0;       // bytes of connection->sent that were understood
  std::size_t body_read_ = 0;  // of the current request's body
  bool head_read_ = false, answered_ = false, tunnel_ = false, silent_ = false;
};

}  // namespace sluice::faults

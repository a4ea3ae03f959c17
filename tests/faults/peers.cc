#include "peers.h"

#include <algorithm>

#include "scenario.h"

namespace sluice::faults {

namespace {

std::string hex(std::size_t n) {
  char text[20];
  return {text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%zx", n))};
}

std::string in_chunks(Schedule& schedule, std::string_view body) {
  std::string out;
  while (!body.empty()) {
    const std::size_t size = schedule.part(body.size());
    out += hex(size) + "\r\n" + std::string(body.substr(0, size)) + "\r\n";
    body.remove_prefix(size);
  }
  return out + "0\r\n\r\n";
}

// A message body as it has come so far. `whole`: its end was seen; `used`: its bytes, framing included.
struct Body {
  std::string payload;
  bool whole = false, sound = true;
  std::size_t used = 0;
};

Body read_chunks(std::string_view in) {
  Body body;
  const std::size_t all = in.size();
  for (;;) {
    const std::size_t eol = in.find("\r\n");
    if (eol == std::string_view::npos) return body;
    std::size_t size = 0;
    for (const char c : in.substr(0, eol)) {
      if (c >= '0' && c <= '9') {
        size = size * 16 + static_cast<std::size_t>(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        size = size * 16 + static_cast<std::size_t>(c - 'a' + 10);
      } else {
        body.sound = false;
        return body;
      }
    }
    if (size == 0) {
      if (!in.substr(eol + 2).starts_with("\r\n")) return body;
      body.whole = true;
      body.used = all - in.size() + eol + 4;
      return body;
    }
    in.remove_prefix(eol + 2);
    body.payload += in.substr(0, size);
    if (in.size() < size + 2) return body;
    body.sound = body.sound && in.substr(size, 2) == "\r\n";
    in.remove_prefix(size + 2);
  }
}

Body read_length(std::string_view in, std::size_t length) {
  return {.payload = std::string(in.substr(0, length)),
          .whole = in.size() >= length,
          .used = std::min(in.size(), length)};
}

// The value of a field in a head, or nothing. Names are compared as they are: both ends of ours write them alike.
std::string_view field(std::string_view head, std::string_view name) {
  const std::string key = "\r\n" + std::string(name) + ": ";
  const std::size_t at = head.find(key);
  if (at == std::string_view::npos) return {};
  const std::size_t from = at + key.size();
  return head.substr(from, head.find("\r\n", from) - from);
}

}  // namespace

std::string_view Request::body() const { return pattern(body_size, number * 2 + 1); }
std::string_view Request::expected() const { return pattern(size, number * 2); }

// --- clients -----------------------------------------------------------------------------------------------------

Client::Client(Machine& machine, Book& book, std::size_t index) {
  Schedule& schedule = machine.schedule;
  connection = std::make_shared<Connection>();
  constexpr std::size_t kRooms[] = {65536, 4096, 300, 16384};
  constexpr std::size_t kSegments[] = {1448, 536, 65536};
  connection->room = kRooms[schedule.pick(4)];
  connection->segment = kSegments[schedule.pick(3)];
  std::string& script = connection->script;
  const std::size_t count = 1 + schedule.pick(3);
  for (std::size_t i = 0; i < count && tunnel_.empty(); ++i) {
    Request request;
    request.number = index * 4 + i;
    constexpr Answer kAnswers[] = {Answer::kLength,    Answer::kChunked,  Answer::kUntilClose,
                                   Answer::kNoContent, Answer::kNoSwitch, Answer::kSwitch};
    request.answer = kAnswers[schedule.pick(6)];
    request.size = request.answer == Answer::kNoContent ? 0 : body_size(machine) / 2;
    const bool upgrade = request.answer == Answer::kSwitch || request.answer == Answer::kNoSwitch;
    request.head_only = !upgrade && schedule.pick(8) == 7;
    request.http10 = !upgrade && schedule.pick(8) == 7;
    request.post = !upgrade && !request.head_only && schedule.pick(3) == 2;
    request.chunked = request.post && !request.http10 && schedule.pick(2) == 1;
    request.body_size = request.post ? body_size(machine) / 2 : 0;
    request.id = "/c" + std::to_string(index) + "r" + std::to_string(i);
    script += request.head_only ? "HEAD " : request.post ? "POST " : "GET ";
    script += request.id + (request.http10 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n") + "Host: a.example\r\n";
    if (upgrade) script += "Connection: upgrade\r\nUpgrade: toy\r\n";
    if (request.post && request.chunked) script += "Transfer-Encoding: chunked\r\n";
    if (request.post && !request.chunked)
      script += "Content-Length: " + std::to_string(request.body_size) + "\r\n";
    script += "\r\n";
    script += request.chunked ? in_chunks(schedule, request.body()) : std::string(request.body());
    request.end = script.size();
    if (request.answer == Answer::kSwitch) {
      // It does not wait for the 101: nothing of this may reach the server before that.
      tunnel_ = pattern(1 + body_size(machine) / 2, 60);
      script += tunnel_;
    }
    book.requests.emplace(request.id, request);
    requests_.push_back(std::move(request));
    if (requests_.back().http10) break;  // the connection closes behind it
  }
  switch (schedule.pick(16)) {
    case 15:
    case 14:
      cuts_ = true;
      book.trouble = true;
      script.resize(schedule.pick(static_cast<std::uint32_t>(script.size() + 1)));
      connection->ends = schedule.pick(2) == 0 ? Ends::kFin : Ends::kReset;
      break;
    case 13:
    case 12:
    case 11:
      connection->ends = Ends::kFin;  // it has said all it had to say, and listens
      break;
    default:
      break;
  }
}

// What arrived at a client, request by request.
struct Client::Reading {
  std::size_t whole = 0;  // responses that are complete
  bool partial = false;   // the last one is not
  bool closes = false;    // a response announced the end of the connection
  bool refused = false;   // ... or was an answer of Sluice's own
  std::string wrong;      // what should never be
};

Client::Reading Client::read() const {
  Reading out;
  std::string_view in = connection->seen();
  // What ends when the connection does is whole only if it ended with a FIN.
  const bool finished = (connection->closed || connection->sent_fin) && !connection->told_reset &&
                        !connection->reset && connection->acked == connection->sent.size();
  for (const Request& request : requests_) {
    if (in.empty()) return out;
    std::size_t end = 0;
    std::string_view head;
    do {  // interim responses come first
      end = in.find("\r\n\r\n");
      if (end == std::string_view::npos) {
        out.partial = true;
        return out;
      }
      head = in.substr(0, end + 2);
      if (!head.starts_with("HTTP/1.1 ")) {
        out.wrong = "a response does not begin where one should";
        return out;
      }
      in.remove_prefix(end + 4);
    } while (head.substr(9, 3) == "103" || head.substr(9, 3) == "100");
    const std::string_view status = head.substr(9, 3);
    const std::string_view id = field(head, "X-Id");
    const bool ours = id.empty();  // Sluice's own answer
    if (!ours && id != request.id) {
      out.wrong = "a client got another one's response";
      return out;
    }
    if (ours && status < "400") out.wrong = "an answer of ours that is no error";
    out.refused = out.refused || ours;
    if (field(head, "Connection") == "close") out.closes = true;
    if (status == "101") {
      if (request.answer != Answer::kSwitch) out.wrong = "a 101 that nobody asked for";
      if (!request.expected().starts_with(in)) out.wrong = "tunnel bytes out are not bytes in";
      ++out.whole;
      out.closes = true;
      return out;
    }
    Body body;
    const bool bodyless = request.head_only || status == "204";
    if (bodyless) {
      body.whole = true;
    } else if (field(head, "Transfer-Encoding") == "chunked") {
      body = read_chunks(in);
    } else if (const auto length = field(head, "Content-Length"); !length.empty()) {
      body = read_length(in, std::stoul(std::string(length)));
    } else {
      body = {.payload = std::string(in), .whole = finished, .used = in.size()};
      out.closes = true;
    }
    if (!body.sound) out.wrong = "a response's framing is broken";
    if (!ours && !bodyless && !request.expected().starts_with(body.payload))
      out.wrong = "response bytes out are not bytes in";
    if (!ours && !bodyless && body.whole && body.payload != request.expected())
      out.wrong = "a cut response looks whole";
    in.remove_prefix(body.used);
    if (!body.whole) {
      out.partial = true;
      return out;
    }
    ++out.whole;
  }
  // (Bytes for a tunnel that was refused are a request to us, and a bad one.)
  if (!in.empty() && tunnel_.empty()) out.wrong = "bytes behind the last response";
  return out;
}

std::size_t Client::whole_answers() const { return read().whole; }

bool Client::is_served(const Book&) const {
  return connection->closed || connection->reset || connection->sent_fin || read().whole == requests_.size();
}

void Client::judge(Machine& machine, const Book& book) const {
  const Reading reading = read();
  if (!reading.wrong.empty()) machine.violation(reading.wrong);
  if (connection->reset || cuts_) return;
  const bool gone = connection->closed || connection->sent_fin;
  if (reading.partial && !gone) machine.violation("half a response, and the connection stays open");
  if (reading.partial && !book.trouble) machine.violation("a response was cut without a cause");
  if (reading.refused && !book.trouble) machine.violation("a request was refused without a cause");
  if (reading.whole < requests_.size() && !reading.closes && !book.trouble)
    machine.violation("a request went unanswered");
}

// --- servers -----------------------------------------------------------------------------------------------------

Server::Server(Machine& machine, Book& book, std::shared_ptr<Connection> the_connection)
    : connection(std::move(the_connection)), machine_(machine), book_(book) {}

// Takes in what has come. true: a whole request stands there (or enough of it, for a server that answers early).
bool Server::read_request() {
  std::string_view in = connection->seen().substr(read_);
  if (!head_read_) {
    const std::size_t end = in.find("\r\n\r\n");
    if (end == std::string_view::npos) return false;
    const std::string_view head = in.substr(0, end + 2);
    const std::size_t from = head.find(' ');
    const std::string_view id = head.substr(from + 1, head.find(' ', from + 1) - from - 1);
    const auto known = book_.requests.find(id);
    if (known == book_.requests.end() || !head.substr(0, head.find("\r\n")).ends_with(" HTTP/1.1")) {
      machine_.violation("a server got a request that nobody sent");
      return false;
    }
    current_ = &known->second;
    const bool chunked = field(head, "Transfer-Encoding") == "chunked";
    const std::string_view length = field(head, "Content-Length");
    if (chunked != current_->chunked || (chunked && !length.empty()) ||
        (!chunked && current_->post && length != std::to_string(current_->body_size))) {
      machine_.violation("a server got a request in another framing");
    }
    if (++book_.received[current_->id] > 1 && current_->post) machine_.violation("a POST was sent twice");
    head_read_ = true;
    read_ += end + 4;
    in.remove_prefix(end + 4);
  }
  if (!current_->post) {
    if (!in.empty() && !answered_)
      machine_.violation("bytes reached a server behind a request that it had not answered");
    return true;
  }
  const Body body = current_->chunked ? read_chunks(in) : read_length(in, current_->body_size);
  if (!body.sound || !current_->body().starts_with(body.payload))
    machine_.violation("request bytes out are not bytes in");
  if (body.whole && body.payload != current_->body()) machine_.violation("a cut request looks whole");
  if (body.whole) read_ += body.used;
  return body.whole;
}

void Server::answer(const Request& request) {
  Schedule& schedule = machine_.schedule;
  std::string& script = connection->script;
  answered_ = true;
  if (schedule.pick(8) == 7) {
    const std::string hint = "HTTP/1.1 103 Early Hints\r\nLink: </" + std::string(200, 'a') + ">\r\n\r\n";
    for (std::uint32_t i = 0; i <= schedule.pick(40); ++i)
      script += hint;  // a slow client can't take them all at once
  }
  std::string head = "HTTP/1.1 200 OK\r\nX-Id: " + request.id + "\r\n";
  std::string body(request.expected());
  bool closes = schedule.pick(4) == 3;
  const bool told = closes && schedule.pick(2) == 0;
  if (told) head += "Connection: close\r\n";
  switch (request.answer) {
    case Answer::kNoSwitch:
    case Answer::kLength:
      head += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
      break;
    case Answer::kChunked:
      head += "Transfer-Encoding: chunked\r\n\r\n";
      body = in_chunks(schedule, body);
      break;
    case Answer::kUntilClose:
      head += "\r\n";
      closes = true;
      break;
    case Answer::kNoContent:
      head.replace(9, 6, "204 No");
      head += "\r\n";
      break;
    case Answer::kSwitch:
      head.replace(9, 6, "101 Go");
      head += "Connection: upgrade\r\nUpgrade: toy\r\n\r\n";
      closes = tunnel_ = true;
      break;
  }
  if (request.head_only) body.clear();
  const std::string whole = head + body;
  if (machine_.strikes(Fault::kServerCuts)) {
    book_.trouble = true;
    script += whole.substr(0, schedule.pick(static_cast<std::uint32_t>(whole.size() + 1)));
    // A FIN is how a body until close ends: nobody could tell that this one is short.
    const bool tells = request.answer != Answer::kUntilClose && request.answer != Answer::kSwitch;
    connection->ends = tells && schedule.pick(2) == 0 ? Ends::kFin : Ends::kReset;
    silent_ = true;
    return;
  }
  if (machine_.strikes(Fault::kServerTalksNonsense)) {
    book_.trouble = true;
    script += "HTTP/1.1 2OO OK\r\n\r\n" + body;
    silent_ = true;
    return;
  }
  script += whole;
  if (closes) {
    if (!told) {  // the next user of this connection is in for a surprise, and what is no GET can't be sent again
      for (const auto& [id, other] : book_.requests) book_.trouble = book_.trouble || other.post;
    }
    connection->ends = Ends::kFin;
    silent_ = !tunnel_;
  }
}

void Server::play() {
  if (silent_ || connection->connecting || connection->reset) return;
  if (tunnel_) {
    const std::string_view in = connection->seen().substr(read_);
    if (!pattern(20000, 60).starts_with(in)) machine_.violation("tunnel bytes out are not bytes in");
    return;
  }
  if (connection->seen().size() == read_ && !head_read_) return;
  const bool whole = read_request();
  if (!machine_.violated().empty() || !head_read_) return;
  // Some answer before the request has come in whole, and read on or not.
  if (!answered_ && (whole || machine_.strikes(Fault::kServerIsEarly, 16))) {
    if (machine_.strikes(Fault::kServerIsSilent, 32)) {
      book_.trouble = silent_ = true;
      return;
    }
    if (!whole) book_.trouble = true;
    answer(*current_);
  }
  if (whole && !tunnel_) head_read_ = answered_ = false;
}

}  // namespace sluice::faults

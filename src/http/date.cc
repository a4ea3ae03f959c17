#include "http/date.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "http/chars.h"

namespace sluice::http {
namespace {

// gmtime and timegm are not used: they may read the zone database, and they lock.

constexpr auto kDays = std::to_array<std::string_view>({"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"});
constexpr auto kLongDays = std::to_array<std::string_view>(
    {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"});
constexpr auto kMonths = std::to_array<std::string_view>(
    {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"});

constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::int64_t kYear0 = -62167219200;     // 0000-01-01T00:00:00Z
constexpr std::int64_t kYear9999 = 253402300799;  // 9999-12-31T23:59:59Z; later ones have no four-digit year

struct Civil {
  std::int64_t year;
  unsigned month, day;  // 1..12, 1..31
};

// Proleptic Gregorian calendar in eras of 400 years. The year starts on 1 March here, so that the leap day is
// its last and a month's first day follows from one formula.
constexpr std::int64_t kDaysPerEra = 146097;
constexpr std::int64_t kEpochFromMarchZero = 719468;  // days from 0000-03-01 to 1970-01-01

constexpr std::int64_t days_from_civil(Civil c) noexcept {
  const std::int64_t year = c.month <= 2 ? c.year - 1 : c.year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * ((c.month + 9) % 12) + 2) / 5 + c.day - 1;
  return era * kDaysPerEra + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         kEpochFromMarchZero;
}

constexpr Civil civil_from_days(std::int64_t days) noexcept {
  days += kEpochFromMarchZero;
  const std::int64_t era = (days >= 0 ? days : days - (kDaysPerEra - 1)) / kDaysPerEra;
  const std::int64_t day_of_era = days - era * kDaysPerEra;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (kDaysPerEra - 1)) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t march_month = (5 * day_of_year + 2) / 153;
  const auto day = static_cast<unsigned>(day_of_year - (153 * march_month + 2) / 5 + 1);
  const auto month = static_cast<unsigned>(march_month < 10 ? march_month + 3 : march_month - 9);
  return {.year = year_of_era + era * 400 + (month <= 2 ? 1 : 0), .month = month, .day = day};
}
static_assert(days_from_civil({1970, 1, 1}) == 0 && days_from_civil({2000, 3, 1}) == 11017);
static_assert(civil_from_days(11016).month == 2 && civil_from_days(11016).day == 29);

constexpr unsigned days_in_month(std::int64_t year, unsigned month) noexcept {
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (month == 2) return leap ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

void put_digits(char*& at, std::int64_t value, int digits) noexcept {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
  at += digits;
}

void put_text(char*& at, std::string_view text) noexcept {
  std::memcpy(at, text.data(), text.size());
  at += text.size();
}

// Takes the text apart from the left. After the first surprise ok() stays false.
class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : rest_(text) {}
  [[nodiscard]] bool done() const noexcept { return ok_ && rest_.empty(); }

  void skip(std::string_view text) noexcept {
    if (!rest_.starts_with(text)) return fail();
    rest_.remove_prefix(text.size());
  }
  unsigned digits(std::size_t count) noexcept {
    const auto value = parse_digits(rest_.substr(0, count), UINT32_MAX);
    if (rest_.size() < count || !value) return fail(), 0;
    rest_.remove_prefix(count);
    return static_cast<unsigned>(*value);
  }
  // 1 for the first name.
  template <std::size_t kCount>
  unsigned name(const std::array<std::string_view, kCount>& names) noexcept {
    for (unsigned i = 0; i < kCount; ++i)
      if (rest_.starts_with(names[i])) return rest_.remove_prefix(names[i].size()), i + 1;
    return fail(), 0;
  }
  [[nodiscard]] bool starts_with(std::string_view text) const noexcept { return rest_.starts_with(text); }

 private:
  void fail() noexcept { ok_ = false; }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

void write_date(char* out, std::time_t seconds) noexcept {
  const std::int64_t t = std::clamp<std::int64_t>(seconds, kYear0, kYear9999);
  const std::int64_t days = (t >= 0 ? t : t - (kSecondsPerDay - 1)) / kSecondsPerDay;
  const std::int64_t of_day = t - days * kSecondsPerDay;
  const Civil date = civil_from_days(days);
  const std::int64_t weekday = ((days + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday
  put_text(out, kDays[static_cast<std::size_t>(weekday)]);
  put_text(out, ", ");
  put_digits(out, date.day, 2);
  put_text(out, " ");
  put_text(out, kMonths[date.month - 1]);
  put_text(out, " ");
  put_digits(out, date.year, 4);
  put_text(out, " ");
  put_digits(out, of_day / 3600, 2);
  put_text(out, ":");
  put_digits(out, of_day / 60 % 60, 2);
  put_text(out, ":");
  put_digits(out, of_day % 60, 2);
  put_text(out, " GMT");
}

std::optional<std::time_t> parse_date(std::string_view text) noexcept {
  Reader in(text);
  unsigned day = 0, month = 0, year = 0, hour = 0, minute = 0, second = 0;
  const auto read_time = [&] {
    hour = in.digits(2), in.skip(":"), minute = in.digits(2), in.skip(":"), second = in.digits(2);
  };
  // The day's name must be one, but need not fit the date: nobody acts on it.
  const std::size_t comma = text.find(',');
  if (comma == 3) {  // IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT"
    in.name(kDays), in.skip(", "), day = in.digits(2), in.skip(" "), month = in.name(kMonths), in.skip(" ");
    year = in.digits(4), in.skip(" "), read_time(), in.skip(" GMT");
  } else if (comma != std::string_view::npos) {  // RFC 850: "Sunday, 06-Nov-94 08:49:37 GMT"
    in.name(kLongDays), in.skip(", "), day = in.digits(2), in.skip("-"), month = in.name(kMonths),
                                       in.skip("-");
    // The RFC moves a year that lies more than 50 years ahead into the past century. A fixed pivot needs no
    // clock here, and no file is that old or that new.
    year = in.digits(2), year += year < 70 ? 2000 : 1900;
    in.skip(" "), read_time(), in.skip(" GMT");
  } else {  // asctime: "Sun Nov  6 08:49:37 1994"
    in.name(kDays), in.skip(" "), month = in.name(kMonths), in.skip(" ");
    if (in.starts_with(" ")) {
      in.skip(" "), day = in.digits(1);
    } else {
      day = in.digits(2);
    }
    in.skip(" "), read_time(), in.skip(" "), year = in.digits(4);
  }
  if (!in.done()) return std::nullopt;
  if (day == 0 || day > days_in_month(year, month)) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;  // 60: a leap second
  const std::int64_t days = days_from_civil({.year = year, .month = month, .day = day});
  return static_cast<std::time_t>(days * kSecondsPerDay + hour * 3600 + minute * 60 + second);
}

}  // namespace sluice::http

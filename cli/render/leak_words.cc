#include "cli/render/leak_words.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/render/quantity.h"
#include "proto/proto_time.h"

namespace tcpmedic::cli {
namespace {

std::optional<double> NumberOf(const v1::Evidence* fact) {
  if (fact == nullptr) return std::nullopt;
  if (fact->value().kind_case() == v1::Value::kIntValue) {
    return static_cast<double>(fact->value().int_value());
  }
  if (fact->value().kind_case() == v1::Value::kDoubleValue) return fact->value().double_value();
  return std::nullopt;
}

std::optional<absl::Duration> DurationIn(const v1::Finding& finding, absl::string_view name) {
  const v1::Evidence* const fact = FactIn(finding, name);
  if (fact == nullptr || !fact->value().has_duration_value()) return std::nullopt;
  return FromProto(fact->value().duration_value());
}

// "40 s", "6 min", "5 h", "12 days": as exact as a forecast, or an age, is worth.
std::string AboutText(absl::Duration span) {
  const double seconds = std::max(absl::ToDoubleSeconds(span), 0.0);
  const auto in = [seconds](double unit, absl::string_view name) {
    return absl::StrCat(CountText(std::llround(seconds / unit)), " ", name);
  };
  if (seconds < 90) return in(1, "s");
  if (seconds < 90 * 60) return in(60, "min");
  if (seconds < 48 * 3600) return in(3600, "h");
  return in(86400, "days");
}

// What the forecast rests on: "window 57s" → "by the last 57s".
std::string BasisText(const v1::Evidence& fact) {
  if (absl::StrContains(fact.basis(), "growth_per_min")) return "by how its sockets rise";
  const absl::string_view basis = fact.basis();
  return absl::StartsWith(basis, "window ")
             ? absl::StrCat("by its slope over ", basis.substr(strlen("window ")))
             : fact.basis();
}

}  // namespace

const v1::Evidence* FactIn(const v1::Finding& finding, absl::string_view name) {
  for (const v1::Evidence& evidence : finding.evidence()) {
    if (evidence.name() != name) continue;
    return evidence.value().kind_case() == v1::Value::KIND_NOT_SET ? nullptr : &evidence;
  }
  return nullptr;
}

std::optional<int64_t> IntIn(const v1::Finding& finding, absl::string_view name) {
  const v1::Evidence* const fact = FactIn(finding, name);
  if (fact == nullptr || fact->value().kind_case() != v1::Value::kIntValue) return std::nullopt;
  return fact->value().int_value();
}

std::string ListenerText(const v1::Finding& finding) {
  for (const v1::GroupKey& key : finding.group_by()) {
    if (key.attribute() != "listener" || key.value().empty()) continue;
    return absl::StartsWith(key.value(), "upstream ") ? key.value()
                                                      : absl::StrCat("listener ", key.value());
  }
  return "";
}

std::string PileText(const v1::Finding& finding) {
  const int64_t sockets = IntIn(finding, "process.sockets").value_or(finding.socket_count());
  std::string text =
      absl::StrCat(CountText(sockets), sockets == 1 ? " socket" : " sockets", " in CLOSE-WAIT");
  if (const auto oldest = DurationIn(finding, "process.oldest")) {
    absl::StrAppend(&text, ", the oldest for ", AboutText(*oldest));
  }
  const std::optional<double> growth = NumberOf(FactIn(finding, "process.growth_per_min"));
  if (growth && *growth > 0) {
    absl::StrAppend(&text, "; ",
                    *growth < 10 ? absl::StrCat(std::round(*growth * 10) / 10)
                                 : CountText(std::llround(*growth)),
                    " more a minute");
    if (IntIn(finding, "process.closed") == 0) absl::StrAppend(&text, ", and none was closed");
  }
  return text;
}

std::string EndOfFileText(const v1::Finding& finding) {
  const std::optional<int64_t> unread = IntIn(finding, "process.unread_eof");
  const std::optional<int64_t> read = IntIn(finding, "process.read_eof");
  if (!unread || !read) return "";
  constexpr absl::string_view kDropped = "it did not call close() after read() returned 0";
  constexpr absl::string_view kNeverLooked =
      "its handler is stuck, or its pool never polls idle connections";
  if (*unread == 0) {
    return absl::StrCat("the program has read the end of file on all ", CountText(*read), ": ",
                        kDropped);
  }
  if (*read == 0) {
    return absl::StrCat("the program has not read the end of file on any: ", kNeverLooked);
  }
  // Whatever is less may be on its way.
  const bool mostly_read = *read >= 9 * *unread;
  const bool mostly_unread = *unread >= 9 * *read;
  return absl::StrCat("the program has read the end of file on ", CountText(*read), ", and not on ",
                      CountText(*unread), ": ",
                      mostly_read     ? kDropped
                      : mostly_unread ? kNeverLooked
                                      : "two paths leak, one before and one after read()");
}

std::string ForecastText(const v1::Finding& finding) {
  const std::optional<int64_t> limit = IntIn(finding, "process.fd_limit");
  const std::optional<int64_t> count = IntIn(finding, "process.fd_count");
  const v1::Evidence* const fact = FactIn(finding, "process.fd_limit_in");
  std::string text;
  if (!limit || !count) {
    text = "not known: its descriptors could not be read";
  } else if (fact == nullptr) {
    text = absl::StrCat("its limit of ", CountText(*limit), " descriptors is not in sight (",
                        CountText(*count), " now)");
  } else {
    const absl::Duration in = FromProto(fact->value().duration_value());
    text = absl::StrCat(
        in == absl::ZeroDuration() ? "has reached its limit of " : "reaches its limit of ",
        CountText(*limit), " descriptors",
        in == absl::ZeroDuration() ? "" : absl::StrCat(" in about ", AboutText(in)), " (",
        CountText(*count), " now, ", BasisText(*fact), ")");
  }
  if (const auto memory_in = DurationIn(finding, "process.memory_limit_in")) {
    const std::optional<double> most = NumberOf(FactIn(finding, "process.memory_limit_bytes"));
    absl::StrAppend(&text, "; its cgroup's memory",
                    most ? absl::StrCat(", ", BytesText(*most), ",") : "", " is used up in about ",
                    AboutText(*memory_in));
  }
  return text;
}

std::string MemoryText(const v1::Finding& finding) {
  const std::optional<double> now = NumberOf(FactIn(finding, "process.rss_bytes"));
  if (!now) return "";
  const std::optional<double> growth =
      NumberOf(FactIn(finding, "process.rss_growth_bytes_per_min"));
  if (!growth) return BytesText(*now);
  return absl::StrCat(BytesText(*now), ", ", BytesText(std::abs(*growth)),
                      *growth < 0 ? " less a minute" : " more a minute");
}

std::vector<std::string> ReceiversOf(const v1::Decision& decision) {
  std::vector<std::string> receivers;
  for (const v1::Action& action : decision.actions()) {
    for (const std::string& receiver : action.raise_alert().receivers()) {
      if (std::find(receivers.begin(), receivers.end(), receiver) == receivers.end()) {
        receivers.push_back(receiver);
      }
    }
  }
  return receivers;
}

}  // namespace tcpmedic::cli

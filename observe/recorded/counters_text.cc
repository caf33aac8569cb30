#include "observe/recorded/counters_text.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "observe/recorded/netstat_sentences.h"

namespace tcpmedic {
namespace {

constexpr absl::string_view kBlanks = " \t";

// The groups of /proc/net/{netstat,snmp}, with which all names of nstat begin.
constexpr absl::string_view kGroups[] = {"Ip",       "Ip6",      "IpExt",   "Icmp", "Icmp6",
                                         "Tcp",      "TcpExt",   "Udp",     "Udp6", "UdpLite",
                                         "UdpLite6", "MPTcpExt", "IcmpMsg", "Sctp", "Xfrm"};

bool IsGroup(absl::string_view word) {
  return std::find(std::begin(kGroups), std::end(kGroups), word) != std::end(kGroups);
}

bool IsCounterName(absl::string_view word) {
  return std::all_of(word.begin(), word.end(), absl::ascii_isalnum) &&
         std::any_of(std::begin(kGroups), std::end(kGroups), [word](absl::string_view group) {
           return absl::StartsWith(word, group) && word.size() > group.size() &&
                  absl::ascii_isupper(word[group.size()]);
         });
}

bool IsDigits(absl::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), absl::ascii_isdigit);
}

absl::string_view TakeWord(absl::string_view* text) {
  *text = absl::StripLeadingAsciiWhitespace(*text);
  const size_t end = std::min(text->find_first_of(kBlanks), text->size());
  const absl::string_view word = text->substr(0, end);
  text->remove_prefix(end);
  return word;
}

bool IsInteger(absl::string_view word) {
  absl::ConsumePrefix(&word, "-");
  return IsDigits(word);
}

// "net.ipv4.tcp_syncookies" of that name or of a path under /proc/sys; empty: neither.
std::string SettingName(absl::string_view word) {
  if (absl::ConsumePrefix(&word, "/proc/sys/")) {
    return absl::StrReplaceAll(word, {{"/", "."}});
  }
  const bool plain = std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("._-/", c);
  });
  for (const absl::string_view tree : {"net.", "vm.", "kernel.", "fs."}) {
    if (plain && absl::StartsWith(word, tree) && word.size() > tree.size()) {
      return std::string(word);
    }
  }
  return std::string();
}

bool IsNstatOfTotals(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [](absl::string_view word) {
    if (word == "--ignore") return true;
    return word.size() >= 2 && word[0] == '-' && word[1] != '-' && absl::StrContains(word, 'a');
  });
}

// -s, -st: with it netstat lists no sockets.
bool IsNetstatOfStatistics(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [](absl::string_view word) {
    if (word == "--statistics") return true;
    return word.size() >= 2 && word[0] == '-' && word[1] != '-' && absl::StrContains(word, 's');
  });
}

// Of what has no sentence, only TCP's own names tell which group they are of.
absl::string_view SectionOf(absl::string_view name) {
  if (absl::StartsWith(name, "MPTCP")) return "MPTcpExt";
  return absl::StartsWith(name, "TCP") ? "TcpExt" : absl::string_view();
}

}  // namespace

void CountersText::Begin(const ShellCommand& command) {
  End();
  section_.clear();
  histogram_ = "";
  setting_file_.clear();
  in_netstat_s_ = command.tool() == "netstat" && IsNetstatOfStatistics(command.stages[0]);
  is_increase_ = command.tool() == "nstat" && !IsNstatOfTotals(command.stages[0]);
  if (command.tool() != "cat" && command.tool() != "sysctl") return;
  const std::vector<std::string>& words = command.stages[0];
  const bool only_value = command.tool() == "cat" || words[1 % words.size()] == "-n";
  if (only_value && words.size() >= 2) setting_file_ = SettingName(words.back());
}

void CountersText::End() {
  if (names_line_.empty()) return;
  unread_->Add(names_number_, "names of counters without the line of their values", names_line_);
  names_line_.clear();
}

bool CountersText::Line(int64_t number, absl::string_view line) {
  if (ProcPair(number, line) || Nstat(number, line) || NstatJson(number, line)) return true;
  if (Sockstat(number, line) || Setting(number, line)) return true;
  return NetstatSection(line) || NetstatSentence(number, line);
}

// "TcpExtSyncookiesSent            41827              0.0"
bool CountersText::Nstat(int64_t number, absl::string_view line) {
  if (line == "#kernel" || absl::StartsWith(line, "#kernel ")) return true;
  absl::string_view rest = line;
  const absl::string_view name = TakeWord(&rest);
  const absl::string_view value = TakeWord(&rest);
  const absl::string_view rate = TakeWord(&rest);
  double per_second = 0;
  if (!IsCounterName(name) || !IsInteger(value) ||
      (!rate.empty() && !absl::SimpleAtod(rate, &per_second)) ||
      !absl::StripAsciiWhitespace(rest).empty()) {
    return false;
  }
  End();
  CounterOfText(number, line, name, value);
  return true;
}

// {"kernel":{"IpInReceives":161,"TcpActiveOpens":8}}: names and whole numbers, nothing to escape.
bool CountersText::NstatJson(int64_t number, absl::string_view line) {
  if (line.empty() || line.front() != '{' || !absl::StrContains(line, "\"kernel\"")) return false;
  End();
  absl::string_view rest = line;
  while (true) {
    const size_t open = rest.find('"');
    if (open == absl::string_view::npos) return true;
    rest.remove_prefix(open + 1);
    const size_t close = rest.find('"');
    if (close == absl::string_view::npos) break;
    const absl::string_view name = rest.substr(0, close);
    rest = absl::StripLeadingAsciiWhitespace(rest.substr(close + 1));
    if (!absl::ConsumePrefix(&rest, ":")) break;
    rest = absl::StripLeadingAsciiWhitespace(rest);
    if (absl::StartsWith(rest, "{")) continue;
    const absl::string_view value = rest.substr(0, rest.find_first_of(",} \t"));
    if (!IsCounterName(name) || !IsInteger(value)) break;
    CounterOfText(number, line, name, value);
    rest.remove_prefix(value.size());
  }
  unread_->Add(number, "the rest of nstat's JSON", rest);
  return true;
}

// "TcpExt: SyncookiesSent SyncookiesRecv" and then "TcpExt: 0 0".
bool CountersText::ProcPair(int64_t number, absl::string_view line) {
  const size_t colon = line.find(": ");
  if (colon == absl::string_view::npos || !IsGroup(line.substr(0, colon))) return false;
  absl::string_view rest = line.substr(colon + 1);
  const absl::string_view word = TakeWord(&rest);
  if (!names_line_.empty() && IsInteger(word)) {
    CounterSample sample;
    const std::string both = absl::StrCat(names_line_, "\n", line, "\n");
    names_line_.clear();
    if (ParseNetstat(both, &sample) > 0) {
      unread_->Add(number, "counters whose names and values do not line up", line);
    }
    All(number, sample);
    return true;
  }
  if (word.empty() || !absl::ascii_isalpha(word.front())) return false;
  End();
  names_line_ = std::string(line);
  names_number_ = number;
  return true;
}

// "TCP: inuse 5 orphan 0 tw 1 alloc 17 mem 1321"
bool CountersText::Sockstat(int64_t number, absl::string_view line) {
  absl::string_view rest = line;
  const absl::string_view first = TakeWord(&rest);
  const absl::string_view second = TakeWord(&rest);
  if (first == "sockets:" && second == "used") return true;
  if (first.empty() || first.back() != ':' || second != "inuse") return false;
  End();
  CounterSample sample;
  if (ParseSockstat(absl::StrCat(line, "\n"), &sample) > 0) {
    unread_->Add(number, "not a line of /proc/net/sockstat", line);
  }
  All(number, sample);
  return true;
}

bool CountersText::NetstatSection(absl::string_view line) {
  absl::string_view name = line;
  if (!absl::ConsumeSuffix(&name, ":") || !IsGroup(name)) return false;
  End();
  section_ = std::string(name);
  histogram_ = "";
  return true;
}

// "    41827 SYN cookies sent", "    TCPTimeouts: 5", "    Quick ack mode was activated 2 times".
bool CountersText::NetstatSentence(int64_t number, absl::string_view line) {
  if (section_.empty() && !in_netstat_s_) return false;
  if (line.empty() || !absl::StrContains(kBlanks, line.front())) return false;
  const absl::string_view sentence = absl::StripAsciiWhitespace(line);
  // What came in and what went out are told in the same words.
  if (sentence == "ICMP input histogram:" || sentence == "ICMP output histogram:") {
    histogram_ = absl::StrContains(sentence, "input") ? "In" : "Out";
    return true;
  }
  const size_t colon = sentence.find(": ");
  if (colon != absl::string_view::npos && IsInteger(sentence.substr(colon + 2))) {
    const absl::string_view given = sentence.substr(0, colon);
    const absl::string_view section = section_.empty() ? SectionOf(given) : section_;
    // Names of IPv6 have their group already.
    const std::string name = IsCounterName(given) && absl::StartsWith(given, section)
                                 ? std::string(given)
                                 : absl::StrCat(section, given);
    if (!section.empty() && IsCounterName(name)) {
      CounterOfText(number, line, name, sentence.substr(colon + 2));
      return true;
    }
  }
  const size_t begin = sentence.find_first_of("0123456789");
  if (begin != absl::string_view::npos) {
    size_t end = sentence.find_first_not_of("0123456789", begin);
    end = std::min(end, sentence.size());
    const std::string words = absl::StrCat(sentence.substr(0, begin), "#", sentence.substr(end));
    absl::string_view name = CounterOfSentence(section_, words);
    if (name.empty()) name = CounterOfSentence(absl::StrCat(section_, histogram_), words);
    if (!name.empty()) {
      CounterOfText(number, line, name, sentence.substr(begin, end - begin));
      return true;
    }
  }
  unread_->Add(number, "a sentence of netstat -s that is not known", line);
  return true;
}

// "net.ipv4.tcp_syncookies = 1"; the lone number of `sysctl -n` or of `cat /proc/sys/…`.
bool CountersText::Setting(int64_t number, absl::string_view line) {
  if (!setting_file_.empty() && IsInteger(absl::StripAsciiWhitespace(line))) {
    CounterOfText(number, line, setting_file_, absl::StripAsciiWhitespace(line));
    setting_file_.clear();
    return true;
  }
  const size_t equals = line.find('=');
  if (equals == absl::string_view::npos) return false;
  const std::string name = SettingName(absl::StripAsciiWhitespace(line.substr(0, equals)));
  if (name.empty()) return false;
  const absl::string_view value = absl::StripAsciiWhitespace(line.substr(equals + 1));
  if (IsInteger(value)) {
    CounterOfText(number, line, name, value);
  } else {
    unread_->Add(number, "a setting that is not one number", line);
  }
  return true;
}

void CountersText::CounterOfText(int64_t number, absl::string_view line, absl::string_view name,
                                 absl::string_view digits) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(digits, &value)) {
    unread_->Add(number, "a number that is too large", line);
    return;
  }
  Counter(number, name, value);
}

void CountersText::Counter(int64_t number, absl::string_view name, int64_t value) {
  RecordedCounter counter;
  counter.place = {input_, number};
  counter.name = std::string(name);
  counter.value = value;
  counter.is_increase = is_increase_;
  sink_->OnCounter(counter);
}

void CountersText::All(int64_t number, const CounterSample& sample) {
  // In the order of their names, so that the same text gives the same calls.
  std::vector<absl::string_view> names;
  for (const auto& [name, value] : sample.values()) names.push_back(name);
  std::sort(names.begin(), names.end());
  for (const absl::string_view name : names) Counter(number, name, *sample.Get(name));
}

}  // namespace tcpmedic

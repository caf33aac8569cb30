#include "observe/recorded/ss_info.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "observe/printable.h"
#include "observe/recorded/quantity.h"

namespace tcpmedic {
namespace {

constexpr size_t kMaxUnknownWords = 8;
constexpr int kMaxProcesses = 64;
constexpr int kMaxFds = 64;

// Sets a member from a printed number times `scale`; false where it does not fit.
template <typename T>
bool Set(TcpInfo* info, T tcp_info::*member, double value) {
  // 2^64 is the first double past uint64_t: the maximum itself rounds up to it.
  if (!(value >= 0) || value >= std::ldexp(1.0, std::numeric_limits<T>::digits)) return false;
  info->Set(member, static_cast<T>(value));
  return true;
}

struct Number {
  absl::string_view key;
  absl::string_view member;  // as RecordedSocket::shortened names it
  double scale;
  bool (*set)(TcpInfo* info, double value);
};

template <auto member>
bool SetMember(TcpInfo* info, double value) {
  return Set(info, member, value);
}

// Keys with one number, and what of ours one of theirs is: milliseconds are microseconds × 1000.
#define TCPMEDIC_NUMBER(key, member, scale) \
  { key, #member, scale, SetMember<&tcp_info::member> }
constexpr Number kNumbers[] = {
    TCPMEDIC_NUMBER("rto", tcpi_rto, 1e3),
    TCPMEDIC_NUMBER("backoff", tcpi_backoff, 1),
    TCPMEDIC_NUMBER("ato", tcpi_ato, 1e3),
    TCPMEDIC_NUMBER("mss", tcpi_snd_mss, 1),
    TCPMEDIC_NUMBER("pmtu", tcpi_pmtu, 1),
    TCPMEDIC_NUMBER("rcvmss", tcpi_rcv_mss, 1),
    TCPMEDIC_NUMBER("advmss", tcpi_advmss, 1),
    TCPMEDIC_NUMBER("cwnd", tcpi_snd_cwnd, 1),
    TCPMEDIC_NUMBER("ssthresh", tcpi_snd_ssthresh, 1),
    TCPMEDIC_NUMBER("bytes_sent", tcpi_bytes_sent, 1),
    TCPMEDIC_NUMBER("bytes_retrans", tcpi_bytes_retrans, 1),
    TCPMEDIC_NUMBER("bytes_acked", tcpi_bytes_acked, 1),
    TCPMEDIC_NUMBER("bytes_received", tcpi_bytes_received, 1),
    TCPMEDIC_NUMBER("segs_out", tcpi_segs_out, 1),
    TCPMEDIC_NUMBER("segs_in", tcpi_segs_in, 1),
    TCPMEDIC_NUMBER("data_segs_out", tcpi_data_segs_out, 1),
    TCPMEDIC_NUMBER("data_segs_in", tcpi_data_segs_in, 1),
    TCPMEDIC_NUMBER("lastsnd", tcpi_last_data_sent, 1),
    TCPMEDIC_NUMBER("lastrcv", tcpi_last_data_recv, 1),
    TCPMEDIC_NUMBER("lastack", tcpi_last_ack_recv, 1),
    TCPMEDIC_NUMBER("delivered", tcpi_delivered, 1),
    TCPMEDIC_NUMBER("delivered_ce", tcpi_delivered_ce, 1),
    TCPMEDIC_NUMBER("unacked", tcpi_unacked, 1),
    TCPMEDIC_NUMBER("lost", tcpi_lost, 1),
    TCPMEDIC_NUMBER("sacked", tcpi_sacked, 1),
    TCPMEDIC_NUMBER("dsack_dups", tcpi_dsack_dups, 1),
    TCPMEDIC_NUMBER("fackets", tcpi_fackets, 1),
    TCPMEDIC_NUMBER("reordering", tcpi_reordering, 1),
    TCPMEDIC_NUMBER("reord_seen", tcpi_reord_seen, 1),
    TCPMEDIC_NUMBER("rcv_rtt", tcpi_rcv_rtt, 1e3),
    TCPMEDIC_NUMBER("rcv_space", tcpi_rcv_space, 1),
    TCPMEDIC_NUMBER("rcv_ssthresh", tcpi_rcv_ssthresh, 1),
    TCPMEDIC_NUMBER("notsent", tcpi_notsent_bytes, 1),
    TCPMEDIC_NUMBER("minrtt", tcpi_min_rtt, 1e3),
    TCPMEDIC_NUMBER("rcv_ooopack", tcpi_rcv_ooopack, 1),
    TCPMEDIC_NUMBER("snd_wnd", tcpi_snd_wnd, 1),
};
#undef TCPMEDIC_NUMBER

// Keys that are ss's, and say nothing that is used here.
constexpr absl::string_view kOtherKeys[] = {
    "wscale",       "qack",     "dctcp",    "bbr",      "vegas",       "mem",
    "skmem",        "cgroup",   "uid",      "ino",      "v6only",      "fwmark",
    "mark",         "class_id", "tos",      "tclass",   "rcv_wnd",     "rehash",
    "flags",        "token",    "seq",      "sfseq",    "ssnoff",      "maplen",
    "opt",          "dev",      "version",  "cipher",   "rxconf",      "txconf",
    "md5keys",      "proc_ctx", "sock_ctx", "shutdown", "syn_retrans", "fastopen_client_fail",
    "inet-sockopt", "dsack",    "priority"};

// Words without a value.
constexpr absl::string_view kFlags[] = {
    "ts",  "sack", "ecn", "ecnseen", "fastopen", "bidir",         "usec_ts",
    "<->", "-->",  "<--", "---",     "accecn",   "tcp-ulp-mptcp", "tcp-ulp-tls"};

constexpr absl::string_view kAlgorithms[] = {
    "cubic",    "reno",      "bbr",   "bbr2", "bbr3",     "dctcp", "vegas",
    "westwood", "htcp",      "hybla", "bic",  "illinois", "yeah",  "veno",
    "scalable", "highspeed", "lp",    "nv",   "cdg"};

// After these comes nothing but the algorithm's parameters.
constexpr absl::string_view kAfterAlgorithm[] = {
    "wscale:", "rto:", "backoff:", "rtt:", "mss:", "cwnd:"};

template <size_t n>
bool OneOf(absl::string_view word, const absl::string_view (&words)[n]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

const Number* FindNumber(absl::string_view key) {
  const auto* const found = std::find_if(std::begin(kNumbers), std::end(kNumbers),
                                         [key](const Number& number) { return number.key == key; });
  return found == std::end(kNumbers) ? nullptr : found;
}

bool IsRateName(absl::string_view name) {
  return name == "send" || name == "rate" || name == "pacing_rate" || name == "delivery_rate" ||
         name == "max_pacing_rate";
}

bool IsKnownKey(absl::string_view key) {
  return FindNumber(key) != nullptr || OneOf(key, kOtherKeys) || key == "rtt" || key == "retrans" ||
         key == "busy" || key == "rwnd_limited" || key == "sndbuf_limited" || key == "timer" ||
         key == "users" || key == "sk" || IsRateName(key);
}

bool IsAlgorithmName(absl::string_view word) {
  return !word.empty() && word.size() < sizeof(SocketSample::congestion_control) &&
         std::all_of(word.begin(), word.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_' || c == '-'; });
}

bool StartsWithOneOf(absl::string_view word, absl::Span<const absl::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [word](absl::string_view start) { return absl::StartsWith(word, start); });
}

// "332ms", "76ms(22.9%)" → milliseconds.
std::optional<double> Milliseconds(absl::string_view text) {
  text = text.substr(0, text.find('('));
  if (!absl::ConsumeSuffix(&text, "ms")) return std::nullopt;
  const std::optional<Quantity> quantity = ParseQuantity(text);
  if (!quantity.has_value() || quantity->shortened) return std::nullopt;
  return quantity->value;
}

struct QuantityPair {
  Quantity first, second;
};

// "3/214", "148.2/9.1".
std::optional<QuantityPair> Pair(absl::string_view text) {
  const size_t slash = text.find('/');
  if (slash == absl::string_view::npos) return std::nullopt;
  const auto first = ParseQuantity(text.substr(0, slash));
  const auto second = ParseQuantity(text.substr(slash + 1));
  if (!first.has_value() || !second.has_value()) return std::nullopt;
  return QuantityPair{*first, *second};
}

// The length of the word that `text` begins with. "users:((…))" holds names with blanks, in quotes.
size_t WordLength(absl::string_view text) {
  if (absl::StartsWith(text, "users:((")) {
    const size_t end = text.find("))");
    if (end != absl::string_view::npos) return end + 2;
  }
  return std::min(text.find_first_of(" \t"), text.size());
}

template <typename T>
void SetIfMissing(TcpInfo* info, T tcp_info::*member, T value = 0) {
  if (!info->Field(member).has_value()) info->Set(member, value);
}

}  // namespace

std::vector<std::string> SsInfo::Read(absl::string_view words) {
  std::vector<std::string> unknown;
  words = absl::StripAsciiWhitespace(words);
  while (!words.empty()) {
    const absl::string_view word = words.substr(0, WordLength(words));
    words = absl::StripLeadingAsciiWhitespace(words.substr(word.size()));
    const absl::string_view next = words.substr(0, WordLength(words));
    const Taken taken = Take(word, next);
    if (taken == Taken::kTwo) {
      words = absl::StripLeadingAsciiWhitespace(words.substr(next.size()));
    } else if (taken == Taken::kNo && unknown.size() < kMaxUnknownWords) {
      unknown.push_back(std::string(word.substr(0, 64)));
    }
  }
  return unknown;
}

bool SsInfo::LooksLikeWords(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  const absl::string_view word = line.substr(0, WordLength(line));
  const absl::string_view next = absl::StripLeadingAsciiWhitespace(line.substr(word.size()));
  const size_t colon = word.find(':');
  if (colon != absl::string_view::npos) {
    return colon + 1 < word.size() && IsKnownKey(word.substr(0, colon));
  }
  return OneOf(word, kAlgorithms) || OneOf(word, kFlags) || word == "app_limited" ||
         (IsAlgorithmName(word) && StartsWithOneOf(next, kAfterAlgorithm)) ||
         (IsRateName(word) && ParseBitsPerSecond(next.substr(0, WordLength(next))).has_value());
}

SsInfo::Taken SsInfo::Take(absl::string_view word, absl::string_view next) {
  const size_t colon = word.find(':');
  if (colon == absl::string_view::npos) {
    if (IsRateName(word)) return TakeRate(word, next) ? Taken::kTwo : Taken::kNo;
    if (word == "app_limited") {
      socket_->sample.info.SetAppLimited(true);
      return Taken::kOne;
    }
    if (OneOf(word, kFlags)) return Taken::kOne;
    SocketSample& sample = socket_->sample;
    if (sample.cc().empty() && IsAlgorithmName(word) &&
        (OneOf(word, kAlgorithms) || StartsWithOneOf(next, kAfterAlgorithm))) {
      std::copy(word.begin(), word.end(), sample.congestion_control.begin());
      return Taken::kOne;
    }
    return Taken::kNo;
  }
  const absl::string_view key = word.substr(0, colon);
  const absl::string_view value = word.substr(colon + 1);
  if (OneOf(key, kOtherKeys) && value.empty()) {  // TLS: "version: 1.2"
    return next.empty() ? Taken::kOne : Taken::kTwo;
  }
  if (!TakeKey(key, value)) return Taken::kNo;
  seen_.insert(std::string(key));
  return Taken::kOne;
}

bool SsInfo::TakeKey(absl::string_view key, absl::string_view value) {
  SocketSample& sample = socket_->sample;
  TcpInfo& info = sample.info;
  if (const Number* const number = FindNumber(key)) {
    const std::optional<Quantity> quantity = ParseQuantity(value);
    if (!quantity.has_value()) return false;
    // Half a microsecond makes a printed 0.003 ms the 3 that it was.
    const double scaled =
        number->scale == 1 ? quantity->value : quantity->value * number->scale + 0.5;
    if (!number->set(&info, scaled)) return false;
    if (quantity->shortened) {
      shortened_by_hand_ = true;
      socket_->shortened.push_back(std::string(number->member));
    }
    return true;
  }
  if (key == "rtt") {
    const auto pair = Pair(value);
    return pair.has_value() && Set(&info, &tcp_info::tcpi_rtt, pair->first.value * 1e3 + 0.5) &&
           Set(&info, &tcp_info::tcpi_rttvar, pair->second.value * 1e3 + 0.5);
  }
  if (key == "retrans") {  // at this moment / since the connection began
    const auto pair = Pair(value);
    if (!pair.has_value() || !Set(&info, &tcp_info::tcpi_retrans, pair->first.value) ||
        !Set(&info, &tcp_info::tcpi_total_retrans, pair->second.value)) {
      return false;
    }
    if (pair->second.shortened) {
      shortened_by_hand_ = true;
      socket_->shortened.push_back("tcpi_total_retrans");
    }
    return true;
  }
  if (key == "busy" || key == "rwnd_limited" || key == "sndbuf_limited") {
    const auto milliseconds = Milliseconds(value);
    if (!milliseconds.has_value()) return false;
    const auto member = key == "busy"           ? &tcp_info::tcpi_busy_time
                        : key == "rwnd_limited" ? &tcp_info::tcpi_rwnd_limited
                                                : &tcp_info::tcpi_sndbuf_limited;
    return Set(&info, member, *milliseconds * 1e3);
  }
  if (IsRateName(key)) return TakeRate(key, value);
  if (key == "users") {
    TakeUsers(value);
    return true;
  }
  if (key == "timer") return TakeTimer(value);
  if (key == "uid") return absl::SimpleAtoi(value, &sample.uid);
  if (key == "ino") return absl::SimpleAtoi(value, &sample.inode);
  if (key == "sk") return absl::SimpleHexAtoi(value, &sample.key.cookie);
  return OneOf(key, kOtherKeys);
}

bool SsInfo::TakeRate(absl::string_view name, absl::string_view value) {
  // "pacing_rate 1.2Mbps/10Mbps": the second is the socket's maximum.
  const std::optional<Quantity> rate = ParseBitsPerSecond(value.substr(0, value.find('/')));
  if (!rate.has_value()) return false;
  if (name == "rate") {
    socket_->stated_bps = rate->value;
  } else if (name == "delivery_rate" || name == "pacing_rate") {
    const bool delivery = name == "delivery_rate";
    const auto member = delivery ? &tcp_info::tcpi_delivery_rate : &tcp_info::tcpi_pacing_rate;
    if (!Set(&socket_->sample.info, member, rate->value / 8)) return false;
    if (rate->shortened) {
      socket_->shortened.push_back(delivery ? "tcpi_delivery_rate" : "tcpi_pacing_rate");
    }
  }
  seen_.insert(std::string(name));
  return true;
}

// (("tmux: server",pid=7,fd=3),("sshd",pid=9,fd=4)); iproute2 3.x: (("sshd",9,4)).
void SsInfo::TakeUsers(absl::string_view users) {
  while (socket_->processes.size() < kMaxProcesses) {
    const size_t open = users.find("(\"");
    if (open == absl::string_view::npos) return;
    users.remove_prefix(open + 2);
    const size_t close = users.find("\",");
    if (close == absl::string_view::npos) return;
    const absl::string_view comm = users.substr(0, close);
    users.remove_prefix(close + 2);
    const absl::string_view numbers = users.substr(0, users.find(')'));
    const size_t comma = numbers.find(',');
    if (comma == absl::string_view::npos) continue;
    absl::string_view pid_text = numbers.substr(0, comma);
    absl::string_view fd_text = numbers.substr(comma + 1);
    // -Z puts a security context between them.
    if (const size_t last = fd_text.rfind(','); last != absl::string_view::npos) {
      fd_text = fd_text.substr(last + 1);
    }
    absl::ConsumePrefix(&pid_text, "pid=");
    absl::ConsumePrefix(&fd_text, "fd=");
    int32_t pid = 0, fd = 0;
    if (!absl::SimpleAtoi(pid_text, &pid) || pid <= 0) continue;
    auto holder = std::find_if(socket_->processes.begin(), socket_->processes.end(),
                               [pid](const v1::Process& process) { return process.pid() == pid; });
    if (holder == socket_->processes.end()) {
      holder = socket_->processes.insert(holder, v1::Process());
      holder->set_pid(pid);
      holder->set_comm(Printable(comm));
    }
    if (absl::SimpleAtoi(fd_text, &fd) && fd >= 0 && holder->fds_size() < kMaxFds) {
      holder->add_fds(fd);
    }
  }
}

// (on,204ms,3): which, when it fires, how often it fired unanswered.
bool SsInfo::TakeTimer(absl::string_view timer) {
  if (!absl::ConsumePrefix(&timer, "(") || !absl::ConsumeSuffix(&timer, ")")) return false;
  constexpr absl::string_view kTimers[] = {"off", "on", "keepalive", "timewait", "persist"};
  const absl::string_view name = timer.substr(0, timer.find(','));
  const auto* const found = std::find(std::begin(kTimers), std::end(kTimers), name);
  const size_t last = timer.rfind(',');
  uint32_t retransmits = 0;
  if (last == absl::string_view::npos || !absl::SimpleAtoi(timer.substr(last + 1), &retransmits) ||
      retransmits > UINT8_MAX) {
    return false;
  }
  if (found == std::end(kTimers)) return name == "unknown";
  socket_->sample.timer = found - std::begin(kTimers);
  socket_->sample.retransmits = retransmits;
  return true;
}

void SsInfo::Finish() {
  if (shortened_by_hand_ || !Saw("rto") || !Saw("mss") || !Saw("cwnd")) return;
  TcpInfo& info = socket_->sample.info;
  for (const auto member :
       {&tcp_info::tcpi_retrans, &tcp_info::tcpi_total_retrans, &tcp_info::tcpi_unacked,
        &tcp_info::tcpi_lost, &tcp_info::tcpi_sacked, &tcp_info::tcpi_last_data_sent,
        &tcp_info::tcpi_last_data_recv, &tcp_info::tcpi_last_ack_recv}) {
    SetIfMissing(&info, member);
  }
  SetIfMissing(&info, &tcp_info::tcpi_backoff);
  SetIfMissing(&info, &tcp_info::tcpi_reordering, uint32_t{3});
  if ((Saw("delivery_rate") || Saw("delivered")) && !info.delivery_rate_app_limited().has_value()) {
    info.SetAppLimited(false);
  }
  const bool since_4_19 = Saw("bytes_sent") || Saw("bytes_retrans") || Saw("dsack_dups") ||
                          Saw("reord_seen") || Saw("rcv_ooopack") || Saw("snd_wnd") ||
                          Saw("rcv_wnd") || Saw("rehash");
  if (since_4_19) {
    for (const auto member :
         {&tcp_info::tcpi_segs_out, &tcp_info::tcpi_segs_in, &tcp_info::tcpi_data_segs_out,
          &tcp_info::tcpi_data_segs_in, &tcp_info::tcpi_notsent_bytes, &tcp_info::tcpi_delivered,
          &tcp_info::tcpi_dsack_dups, &tcp_info::tcpi_reord_seen}) {
      SetIfMissing(&info, member);
    }
    for (const auto member :
         {&tcp_info::tcpi_bytes_sent, &tcp_info::tcpi_bytes_retrans, &tcp_info::tcpi_bytes_acked,
          &tcp_info::tcpi_bytes_received, &tcp_info::tcpi_busy_time}) {
      SetIfMissing(&info, member);
    }
  }
  if (since_4_19 || Saw("busy")) {
    SetIfMissing(&info, &tcp_info::tcpi_rwnd_limited);
    SetIfMissing(&info, &tcp_info::tcpi_sndbuf_limited);
  }
}

}  // namespace tcpmedic

#include "cli/diagnose/connections.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "cli/diagnose/ladder.h"
#include "cli/render/quantity.h"
#include "core/ip_address.h"

namespace tcpmedic::cli {
namespace {

constexpr size_t kMostDrawn = 3;
constexpr size_t kMostListed = 10;
constexpr size_t kMostSuggested = 5;
constexpr int kSegmentsDrawn = 24;
constexpr int kSegmentsDrawnOfOne = 200;  // where one connection was asked for

// What failed is looked for, what only went by is not.
int Rank(Outcome outcome) {
  switch (outcome) {
    case Outcome::kRefused:
    case Outcome::kNoReply:
    case Outcome::kHalfOpen:
    case Outcome::kServerStillWaits:
      return 0;
    case Outcome::kReset:
    case Outcome::kHalfClosed:
      return 1;
    case Outcome::kEstablished:
    case Outcome::kClosed:
      return 2;
    case Outcome::kCloseNotShown:
    case Outcome::kHandshakeNotShown:
    case Outcome::kMidStream:
      return 3;
  }
  return 3;
}

std::string OutcomeText(Outcome outcome) { return std::string(Name(outcome)); }

struct AskedFor {
  IpAddress ip;
  std::optional<uint16_t> port;

  bool Matches(const TraceEndpoint& endpoint) const {
    return endpoint.ip == ip && (!port || endpoint.port == *port);
  }
};

std::optional<AskedFor> ParseEndpoint(absl::string_view text) {
  AskedFor asked;
  if (const auto bare = IpAddress::Parse(text)) {
    asked.ip = *bare;
    return asked;
  }
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return std::nullopt;
  int port = 0;
  if (!absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 0 || port > 0xffff) {
    return std::nullopt;
  }
  absl::string_view host = text.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[") && !absl::ConsumeSuffix(&host, "]")) return std::nullopt;
  const auto ip = IpAddress::Parse(host);
  if (!ip) return std::nullopt;
  asked.ip = *ip;
  asked.port = static_cast<uint16_t>(port);
  return asked;
}

std::vector<const TrackedConnection*> TellMost(const TraceResult& trace) {
  std::vector<const TrackedConnection*> ranked;
  for (const TrackedConnection& connection : trace.connections) ranked.push_back(&connection);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const TrackedConnection* a, const TrackedConnection* b) {
                     return Rank(a->outcome) < Rank(b->outcome);
                   });
  if (ranked.size() > kMostDrawn) {
    std::set<Outcome> told;
    std::stable_partition(ranked.begin(), ranked.end(),
                          [&told](const TrackedConnection* connection) {
                            return told.insert(connection->outcome).second;
                          });
    ranked.resize(std::min(told.size(), kMostDrawn));
  }
  // All of them lie in one vector.
  std::sort(ranked.begin(), ranked.end());
  return ranked;
}

// What there is to say of a connection on one line, beside its name.
std::string FactsText(const TrackedConnection& connection) {
  std::vector<std::string> facts = {OutcomeText(connection.outcome)};
  if (connection.handshake_rtt) {
    facts.push_back(absl::StrCat("handshake ", DurationText(*connection.handshake_rtt)));
  }
  const ConnectionTotals& totals = connection.totals;
  facts.push_back(
      absl::StrCat(CountText(totals.segments), totals.segments == 1 ? " segment" : " segments"));
  if (totals.retransmissions > 0) {
    facts.push_back(absl::StrCat(CountText(totals.retransmissions), " sent again"));
  }
  if (connection.client_is_guess) facts.push_back("which side is the client is a guess");
  return absl::StrJoin(facts, ", ");
}

void AddDrawn(const TrackedConnection& connection, int segments, const Style& style,
              std::vector<std::string>* lines) {
  const std::string name = ConnectionText(connection);
  lines->emplace_back();
  lines->push_back(absl::StrCat(Painted(style, Paint::kBold, name), "  ", FactsText(connection)));
  for (const std::string& line :
       Wrap(connection.summary, std::min(style.width, kLadderColumns) - 2, 6)) {
    lines->push_back(absl::StrCat("  ", line));
  }
  lines->emplace_back();
  for (std::string& line : LadderLines(connection, style, segments)) {
    lines->push_back(std::move(line));
  }
}

std::vector<Cell> RowOf(const TrackedConnection& connection) {
  const ConnectionTotals& totals = connection.totals;
  return {{EndpointText(connection.client.ip, connection.client.port)},
          {EndpointText(connection.server.ip, connection.server.port)},
          {OutcomeText(connection.outcome), Paint::kBold},
          {CountText(totals.segments)},
          {BytesText(static_cast<double>(totals.client_bytes))},
          {BytesText(static_cast<double>(totals.server_bytes))},
          {CountText(totals.retransmissions)}};
}

}  // namespace

absl::StatusOr<std::vector<const TrackedConnection*>> ConnectionsToDraw(
    const TraceResult& trace, const ShownConnections& shown) {
  std::vector<const TrackedConnection*> drawn;
  if (shown.of.empty()) {
    if (!shown.all) return TellMost(trace);
    for (const TrackedConnection& connection : trace.connections) drawn.push_back(&connection);
    return drawn;
  }
  const std::optional<AskedFor> asked = ParseEndpoint(shown.of);
  if (!asked) {
    return absl::InvalidArgumentError(
        absl::StrCat("--connection ", shown.of,
                     ": not an address; write it as 10.0.0.5:51514 or [2001:db8::5]:51514"));
  }
  for (const bool client : {true, false}) {
    for (const TrackedConnection& connection : trace.connections) {
      if (asked->Matches(client ? connection.client : connection.server)) {
        drawn.push_back(&connection);
      }
    }
    if (!drawn.empty()) return drawn;
  }
  std::vector<std::string> clients;
  for (const TrackedConnection& connection : trace.connections) {
    if (clients.size() == kMostSuggested) break;
    clients.push_back(EndpointText(connection.client.ip, connection.client.port));
  }
  return absl::NotFoundError(absl::StrCat(
      "no connection of ", shown.of,
      clients.empty() ? ": there is none at all"
                      : absl::StrCat("; there is ", absl::StrJoin(clients, ", "),
                                     trace.connections.size() > clients.size() ? ", …" : "")));
}

std::string ConnectionText(const TrackedConnection& connection) {
  return absl::StrCat(EndpointText(connection.client.ip, connection.client.port), " → ",
                      EndpointText(connection.server.ip, connection.server.port));
}

std::string CensusText(const TraceResult& trace) {
  if (trace.connections_seen == 0) return "";
  std::vector<std::pair<int64_t, Outcome>> counts;
  for (size_t i = 0; i < trace.by_outcome.size(); ++i) {
    if (trace.by_outcome[i] > 0) counts.push_back({trace.by_outcome[i], static_cast<Outcome>(i)});
  }
  std::stable_sort(counts.begin(), counts.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text = absl::StrCat(CountText(trace.connections_seen),
                                  trace.connections_seen == 1 ? " connection" : " connections");
  if (counts.size() == 1 && trace.connections_seen == counts[0].first) {
    absl::StrAppend(&text, ", ", trace.connections_seen == 1 ? "" : "all ",
                    OutcomeText(counts[0].second));
  } else if (!counts.empty()) {
    absl::StrAppend(&text, ": ",
                    absl::StrJoin(counts, ", ", [](std::string* out, const auto& count) {
                      absl::StrAppend(out, CountText(count.first), " ", OutcomeText(count.second));
                    }));
  }
  return text;
}

std::vector<std::string> ConnectionLines(const TraceResult& trace,
                                         const std::vector<const TrackedConnection*>& drawn,
                                         const ShownConnections& shown, const Style& style) {
  std::vector<std::string> lines;
  const std::string census = CensusText(trace);
  if (census.empty()) return lines;
  for (std::string& line : Wrap(census, style.width, 3)) lines.push_back(std::move(line));
  const int segments = !shown.of.empty() ? kSegmentsDrawnOfOne : kSegmentsDrawn;
  for (const TrackedConnection* const connection : drawn) {
    AddDrawn(*connection, segments, style, &lines);
  }
  if (!shown.of.empty() || shown.all) return lines;

  const std::set<const TrackedConnection*> told(drawn.begin(), drawn.end());
  std::vector<std::vector<Cell>> rows;
  for (const TrackedConnection& connection : trace.connections) {
    if (rows.size() == kMostListed) break;
    if (!told.count(&connection)) rows.push_back(RowOf(connection));
  }
  if (rows.empty()) return lines;
  const int64_t more = trace.connections_seen - static_cast<int64_t>(told.size() + rows.size());
  lines.emplace_back();
  for (std::string& line : TableLines(style,
                                      {{"CLIENT"},
                                       {"SERVER"},
                                       {"OUTCOME"},
                                       {"SEGMENTS", true},
                                       {"SENT", true},
                                       {"RECEIVED", true},
                                       {"SENT AGAIN", true}},
                                      rows)) {
    lines.push_back(std::move(line));
  }
  const std::string rest = more > 0 ? absl::StrCat("… ", CountText(more), " more; ") : "";
  for (std::string& line :
       Wrap(absl::StrCat(rest, "--connection CLIENT:PORT draws one, --all-connections every one"),
            style.width, 2)) {
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace tcpmedic::cli

#include "cli/diagnose/ladder.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/render/quantity.h"
#include "core/ip_address.h"

namespace tcpmedic::cli {
namespace {

constexpr int kLeastColumns = 60;
constexpr int kTimeColumns = 11;
constexpr int kStateColumns = 12;  // "SYN-RECEIVED"
constexpr int kGap = 2;
constexpr int kMaxNoteLines = 4;
// Of a long connection: how it began and how it ended tell most.
constexpr size_t kFirstShown = 8;
constexpr size_t kLastShown = 4;

std::string Spaces(int count) { return std::string(std::max(count, 0), ' '); }

std::string StateText(EndState state) {
  return state == EndState::kUnknown ? "?" : std::string(Name(state));
}

// "SYN-ACK", "FIN", "1,448 bytes", "ACK".
std::string WhatText(const TrackedSegment& segment) {
  const auto has = [&segment](TcpFlag flag) { return (segment.flags & flag) != 0; };
  std::vector<std::string> what;
  if (has(kSyn)) what.push_back(has(kAck) ? "SYN-ACK" : "SYN");
  if (has(kFin)) what.push_back("FIN");
  if (has(kRst)) what.push_back("RST");
  if (segment.payload_bytes > 0) {
    what.push_back(absl::StrCat(CountText(segment.payload_bytes),
                                segment.payload_bytes == 1 ? " byte" : " bytes"));
  }
  if (what.empty()) what.push_back(has(kAck) ? "ACK" : "no flags");
  return absl::StrJoin(what, ", ");
}

// "seq +1 (1000001)", "seq +1", "seq 1000001" where its place in the connection is not known.
std::string NumberText(absl::string_view name, std::optional<uint32_t> absolute,
                       std::optional<uint32_t> relative, bool both) {
  if (!relative) return absolute ? absl::StrCat(name, " ", *absolute) : "";
  std::string text = absl::StrCat(name, " +", *relative);
  if (both && absolute) absl::StrAppend(&text, " (", *absolute, ")");
  return text;
}

std::string SegmentTextWith(const TrackedSegment& segment, bool both) {
  std::vector<std::string> parts = {WhatText(segment)};
  const bool syn = (segment.flags & kSyn) != 0;
  const bool takes_space = segment.payload_bytes > 0 || (segment.flags & (kSyn | kFin | kRst)) != 0;
  if (syn && segment.seq) {
    parts.push_back(absl::StrCat("ISN ", *segment.seq));
  } else if (takes_space) {
    parts.push_back(NumberText("seq", segment.seq, segment.rel_seq, both));
  }
  if (segment.ack) {
    parts.push_back(NumberText("ack", segment.ack, segment.rel_ack, both));
  } else if (segment.rel_ack) {
    parts.push_back(NumberText("ack", std::nullopt, segment.rel_ack, both));
  }
  parts.erase(std::remove(parts.begin(), parts.end(), ""), parts.end());
  return absl::StrJoin(parts, "  ");
}

class Ladder {
 public:
  Ladder(const TrackedConnection& connection, const Style& style)
      : connection_(connection),
        style_(style),
        columns_(std::clamp(style.width, kLeastColumns, kLadderColumns)),
        arrow_columns_(columns_ - kTimeColumns - 2 * kStateColumns - 3 * kGap) {
    for (const TrackedSegment& segment : connection.segments) {
      if (!segment.time) continue;
      began_ = segment.time;
      break;
    }
  }

  std::vector<std::string> Lines(int most) {
    AddHead();
    const std::vector<TrackedSegment>& segments = connection_.segments;
    const std::vector<bool> shown = Shown(std::max(most, 1));
    // What the tracker did not keep lies between its first and its last segments.
    const size_t left_out_at =
        connection_.segments_left_out > 0 ? segments.size() / 2 : segments.size() + 1;
    for (size_t i = 0; i < segments.size(); ++i) {
      if (i == left_out_at) hidden_ += connection_.segments_left_out;
      if (!shown[i]) {
        ++hidden_;
        continue;
      }
      AddHidden();
      AddSegment(segments[i]);
    }
    AddHidden();
    return std::move(lines_);
  }

 private:
  std::vector<bool> Shown(int most) const {
    const std::vector<TrackedSegment>& segments = connection_.segments;
    std::vector<bool> shown(segments.size(), segments.size() <= static_cast<size_t>(most));
    if (segments.size() <= static_cast<size_t>(most)) return shown;
    int left = most;
    const auto show = [&](size_t i) {
      if (shown[i] || left == 0) return;
      shown[i] = true;
      --left;
    };
    for (size_t i = 0; i < std::min(kFirstShown, segments.size()); ++i) show(i);
    for (size_t i = segments.size() - std::min(kLastShown, segments.size()); i < segments.size();
         ++i) {
      show(i);
    }
    for (size_t i = 0; i < segments.size(); ++i) {
      if (!segments[i].note.empty()) show(i);
    }
    return shown;
  }

  void AddHead() {
    const std::string client = EndpointText(connection_.client.ip, connection_.client.port);
    const std::string server = EndpointText(connection_.server.ip, connection_.server.port);
    const std::string margin = Spaces(kTimeColumns + kGap);
    const int room = columns_ - kTimeColumns - kGap;
    const auto paint = [this](const std::string& text) {
      return Painted(style_, Paint::kBold, text);
    };
    const int between = room - Columns(client) - Columns(server);
    if (between >= kGap) {
      lines_.push_back(absl::StrCat(margin, paint(client), Spaces(between), paint(server)));
    } else {
      lines_.push_back(absl::StrCat(margin, paint(Cut(client, room))));
      lines_.push_back(
          absl::StrCat(margin, Spaces(room - Columns(server)), paint(Cut(server, room))));
    }
  }

  void AddHidden() {
    if (hidden_ == 0) return;
    std::string text = absl::StrCat("⋮ ", CountText(hidden_),
                                    hidden_ == 1 ? " segment" : " segments", " not shown");
    lines_.push_back(absl::StrCat(Spaces(ArrowAt()), Painted(style_, Paint::kDim, text)));
    hidden_ = 0;
  }

  void AddSegment(const TrackedSegment& segment) {
    std::string time;
    if (segment.time && began_) {
      time = absl::StrFormat("%.6f", absl::ToDoubleSeconds(*segment.time - *began_));
    } else if (segment.number > 0) {
      time = absl::StrCat("#", segment.number);
    }
    time = Cut(time, kTimeColumns);
    const bool client_moved = client_state_ != segment.client_state;
    const bool server_moved = server_state_ != segment.server_state;
    client_state_ = segment.client_state;
    server_state_ = segment.server_state;
    const auto state = [this](EndState now, bool moved) {
      return Painted(style_, moved ? Paint::kBold : Paint::kDim, StateText(now));
    };
    lines_.push_back(
        absl::StrCat(Spaces(kTimeColumns - Columns(time)), Painted(style_, Paint::kDim, time),
                     Spaces(kGap), state(segment.client_state, client_moved),
                     Spaces(kStateColumns - Columns(StateText(segment.client_state)) + kGap),
                     Arrow(segment), Spaces(kGap), state(segment.server_state, server_moved)));
    const std::string margin = Spaces(ArrowAt() + kGap);
    for (const std::string& line : Wrap(segment.note, columns_ - ArrowAt() - kGap, kMaxNoteLines)) {
      lines_.push_back(absl::StrCat(margin, Painted(style_, Paint::kCyan, line)));
    }
  }

  std::string Arrow(const TrackedSegment& segment) const {
    // "── " before, " ─▶" behind at the least.
    const int room = arrow_columns_ - 6;
    const std::string text = Cut(SegmentText(segment, room), room);
    std::string line;
    for (int i = Columns(text); i < room; ++i) absl::StrAppend(&line, "─");
    const bool trouble = (segment.flags & kRst) != 0;
    const std::string painted = trouble ? Painted(style_, Paint::kRed, text) : text;
    return segment.from_client ? absl::StrCat("── ", painted, " ", line, "─▶")
                               : absl::StrCat("◀─ ", painted, " ", line, "──");
  }

  static int ArrowAt() { return kTimeColumns + kGap + kStateColumns + kGap; }

  const TrackedConnection& connection_;
  const Style& style_;
  const int columns_;
  const int arrow_columns_;
  std::optional<absl::Duration> began_;
  std::optional<EndState> client_state_, server_state_;
  int64_t hidden_ = 0;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> LadderLines(const TrackedConnection& connection, const Style& style,
                                     int most) {
  return Ladder(connection, style).Lines(most);
}

std::string SegmentText(const TrackedSegment& segment, int columns) {
  std::string whole = SegmentTextWith(segment, /*both=*/true);
  return Columns(whole) <= columns ? whole : SegmentTextWith(segment, /*both=*/false);
}

std::string FlagText(uint16_t flags) {
  // In tcpdump's order (print-tcp.c).
  struct Letter {
    TcpFlag flag;
    const char* letter;
  };
  constexpr Letter kLetters[] = {{kFin, "F"}, {kSyn, "S"}, {kRst, "R"}, {kPsh, "P"}, {kAck, "."},
                                 {kUrg, "U"}, {kEce, "E"}, {kCwr, "W"}, {kAe, "e"}};
  std::string text;
  for (const auto& [flag, letter] : kLetters) {
    if ((flags & flag) != 0) absl::StrAppend(&text, letter);
  }
  return text.empty() ? "none" : text;
}

}  // namespace tcpmedic::cli

#include "observe/capture/capture_file.h"

#include <pcap/pcap.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/errno_status.h"
#include "observe/capture/packet_decoder.h"
#include "observe/printable.h"

namespace tcpmedic {
namespace {

constexpr size_t kReadBytes = 1 << 20;
// tshark keeps all interfaces in what it writes, and so libpcap refuses that too, until editcap
// makes a pcap of it (tried with 4.0.17).
constexpr absl::string_view kTwoLinkTypes =
    "interfaces of more than one link type in one file, which libpcap does not read: take each out "
    "with `tshark -r FILE -Y 'frame.interface_id == 0' -w ONE.pcapng`, then `editcap -F pcap -T "
    "ether ONE.pcapng ONE.pcap` (-T rawip for one without Ethernet)";

// What libpcap reads from, by way of a FILE: the bytes that were taken already, then the fd.
struct Source {
  int fd;
  absl::string_view start;
  absl::FunctionRef<void(int64_t)> on_progress;
  int64_t read_bytes = 0;
  int error = 0;  // errno of the read that failed

  static ssize_t Read(void* cookie, char* buffer, size_t size) {
    return static_cast<Source*>(cookie)->Read(buffer, size);
  }

 private:
  ssize_t Read(char* buffer, size_t size) {
    ssize_t got;
    if (!start.empty()) {
      got = static_cast<ssize_t>(std::min(size, start.size()));
      std::memcpy(buffer, start.data(), got);
      start.remove_prefix(got);
    } else {
      // More at once would make the progress jump.
      do {
        got = read(fd, buffer, std::min(size, kReadBytes));
      } while (got < 0 && errno == EINTR);
      if (got < 0) error = errno;
    }
    if (got > 0) on_progress(read_bytes += got);
    return got;
  }
};

struct UnreadPackets {
  int64_t first = 0;
  int64_t count = 0;
};

class Reader {
 public:
  Reader(LinkType link, absl::string_view input, RecordingSink* sink)
      : link_(link), place_{std::string(input), 0}, sink_(sink) {}

  static void OnPacket(u_char* self, const pcap_pkthdr* header, const u_char* bytes) {
    reinterpret_cast<Reader*>(self)->OnPacket(*header, bytes);
  }

  // `failed`: why libpcap gave up before the end of the file; empty where it did not.
  int64_t packets() const { return place_.line; }

  void End(absl::string_view failed) {
    for (int kind = 0; kind < kPacketKinds; ++kind) {
      if (unread_[kind].count == 0) continue;
      const absl::string_view reason = ReasonText(static_cast<PacketKind>(kind));
      if (!reason.empty()) TellUnread(unread_[kind], reason);
    }
    if (options_cut_.count > 0) TellUnread(options_cut_, kOptionsCutReason);
    if (failed.empty()) return;
    // The file as a whole, where none of its packets was read.
    const int64_t from = place_.line == 0 ? 0 : place_.line + 1;
    if (absl::StartsWith(failed, "truncated dump file")) {
      TellUnread({place_.line + 1, 1}, "the file ends in the middle of this packet");
    } else if (absl::StrContains(failed, "different from the type of the first interface")) {
      TellUnread({from, 1}, kTwoLinkTypes);
    } else {
      TellUnread(
          {from, 1},
          absl::StrCat(from == 0 ? "" : "the rest of the file, from this packet on: ", failed));
    }
  }

 private:
  void OnPacket(const pcap_pkthdr& header, const u_char* bytes) {
    ++place_.line;
    const PacketKind kind = DecodePacket(link_, absl::MakeConstSpan(bytes, header.caplen),
                                         header.len, &segment_, &related_);
    // Asked for in nanoseconds, which then stand where microseconds are named.
    const absl::Duration time =
        absl::Seconds(header.ts.tv_sec) + absl::Nanoseconds(header.ts.tv_usec);
    if (kind == PacketKind::kSegment) {
      segment_.time = time;
      segment_.time_base = TimeBase::kEpoch;
      sink_->OnSegment(place_, segment_);
      if (segment_.truncated) Count(&options_cut_);
      return;
    }
    if (kind == PacketKind::kIcmpError || kind == PacketKind::kLaterFragment) {
      related_.time = time;
      sink_->OnRelated(place_, related_);
    }
    Count(&unread_[static_cast<size_t>(kind)]);
  }

  void Count(UnreadPackets* packets) const {
    if (packets->count++ == 0) packets->first = place_.line;
  }

  void TellUnread(const UnreadPackets& packets, absl::string_view reason) {
    Unread unread;
    unread.place = {place_.input, packets.first};
    unread.reason = std::string(reason);
    unread.lines = packets.count;
    unread.packets = packets.first > 0;
    sink_->OnUnread(unread);
  }

  const LinkType link_;
  Place place_;
  RecordingSink* const sink_;
  CapturedSegment segment_;
  RelatedPacket related_;
  std::array<UnreadPackets, kPacketKinds> unread_;
  UnreadPackets options_cut_;  // of segments that were read
};

}  // namespace

absl::Status ReadCapture(int fd, absl::string_view start, absl::string_view input,
                         RecordingSink* sink, absl::FunctionRef<void(int64_t bytes)> on_progress) {
  Source source{fd, start, on_progress};
  // Outlives the FILE that reads through it.
  const auto buffer = std::make_unique_for_overwrite<char[]>(kReadBytes);
  FILE* const file =
      fopencookie(&source, "r", {.read = &Source::Read, .write = {}, .seek = {}, .close = {}});
  if (file == nullptr) return ErrnoStatus(absl::StrCat("open a stream on ", input));
  setvbuf(file, buffer.get(), _IOFBF, kReadBytes);

  char error[PCAP_ERRBUF_SIZE] = "";
  pcap_t* const opened =
      pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> capture(opened, &pcap_close);
  if (capture == nullptr) {
    fclose(file);
    if (source.error != 0) return ErrnoStatus(absl::StrCat("read ", input), source.error);
    if (source.read_bytes == 0) {
      return absl::InvalidArgumentError(absl::StrCat(input, " is empty"));
    }
    return absl::InvalidArgumentError(
        absl::StrCat(input, " is not a pcap or pcapng capture: ", Printable(error)));
  }

  const int dlt = pcap_datalink(capture.get());
  const std::optional<LinkType> link = LinkTypeOf(dlt);
  if (!link.has_value()) {
    const char* const name = pcap_datalink_val_to_name(dlt);
    return absl::InvalidArgumentError(absl::StrCat(
        input, " was captured from a link of type ", name == nullptr ? absl::StrCat(dlt) : name,
        "; Ethernet, Linux cooked, raw IP and loopback are read"));
  }

  Reader reader(*link, input, sink);
  const int end =
      pcap_loop(capture.get(), -1, &Reader::OnPacket, reinterpret_cast<u_char*>(&reader));
  if (source.error != 0) {
    reader.End("");
    return ErrnoStatus(absl::StrCat("read ", input), source.error);
  }
  reader.End(end == 0 ? "" : Printable(pcap_geterr(capture.get())));
  if (end == 0 && reader.packets() == 0) {
    sink->OnUnread({.place = {.input = std::string(input)},
                    .reason = "a capture without a packet",
                    .excerpt = ""});
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic

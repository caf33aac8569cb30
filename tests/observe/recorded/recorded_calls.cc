#include "tests/observe/recorded/recorded_calls.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "observe/recorded/text_reader.h"

namespace tcpmedic {
namespace {

struct Member {
  const char* name;
  std::string (*text)(const TcpInfo& info);
};

template <auto member>
std::string MemberText(const TcpInfo& info) {
  const auto value = info.Field(member);
  return value.has_value() ? absl::StrCat(static_cast<uint64_t>(*value)) : std::string();
}

#define TCPMEDIC_MEMBER(name) \
  Member { #name, MemberText < &tcp_info::name> }
const Member kMembers[] = {
    TCPMEDIC_MEMBER(tcpi_backoff),
    TCPMEDIC_MEMBER(tcpi_rto),
    TCPMEDIC_MEMBER(tcpi_ato),
    TCPMEDIC_MEMBER(tcpi_snd_mss),
    TCPMEDIC_MEMBER(tcpi_rcv_mss),
    TCPMEDIC_MEMBER(tcpi_unacked),
    TCPMEDIC_MEMBER(tcpi_sacked),
    TCPMEDIC_MEMBER(tcpi_lost),
    TCPMEDIC_MEMBER(tcpi_retrans),
    TCPMEDIC_MEMBER(tcpi_fackets),
    TCPMEDIC_MEMBER(tcpi_last_data_sent),
    TCPMEDIC_MEMBER(tcpi_last_ack_sent),
    TCPMEDIC_MEMBER(tcpi_last_data_recv),
    TCPMEDIC_MEMBER(tcpi_last_ack_recv),
    TCPMEDIC_MEMBER(tcpi_pmtu),
    TCPMEDIC_MEMBER(tcpi_rcv_ssthresh),
    TCPMEDIC_MEMBER(tcpi_rtt),
    TCPMEDIC_MEMBER(tcpi_rttvar),
    TCPMEDIC_MEMBER(tcpi_snd_ssthresh),
    TCPMEDIC_MEMBER(tcpi_snd_cwnd),
    TCPMEDIC_MEMBER(tcpi_advmss),
    TCPMEDIC_MEMBER(tcpi_reordering),
    TCPMEDIC_MEMBER(tcpi_rcv_rtt),
    TCPMEDIC_MEMBER(tcpi_rcv_space),
    TCPMEDIC_MEMBER(tcpi_total_retrans),
    TCPMEDIC_MEMBER(tcpi_pacing_rate),
    TCPMEDIC_MEMBER(tcpi_max_pacing_rate),
    TCPMEDIC_MEMBER(tcpi_bytes_acked),
    TCPMEDIC_MEMBER(tcpi_bytes_received),
    TCPMEDIC_MEMBER(tcpi_segs_out),
    TCPMEDIC_MEMBER(tcpi_segs_in),
    TCPMEDIC_MEMBER(tcpi_notsent_bytes),
    TCPMEDIC_MEMBER(tcpi_min_rtt),
    TCPMEDIC_MEMBER(tcpi_data_segs_in),
    TCPMEDIC_MEMBER(tcpi_data_segs_out),
    TCPMEDIC_MEMBER(tcpi_delivery_rate),
    TCPMEDIC_MEMBER(tcpi_busy_time),
    TCPMEDIC_MEMBER(tcpi_rwnd_limited),
    TCPMEDIC_MEMBER(tcpi_sndbuf_limited),
    TCPMEDIC_MEMBER(tcpi_delivered),
    TCPMEDIC_MEMBER(tcpi_delivered_ce),
    TCPMEDIC_MEMBER(tcpi_bytes_sent),
    TCPMEDIC_MEMBER(tcpi_bytes_retrans),
    TCPMEDIC_MEMBER(tcpi_dsack_dups),
    TCPMEDIC_MEMBER(tcpi_reord_seen),
    TCPMEDIC_MEMBER(tcpi_rcv_ooopack),
    TCPMEDIC_MEMBER(tcpi_snd_wnd),
};
#undef TCPMEDIC_MEMBER

RecordedCalls Read(absl::string_view text) {
  FILE* const file = tmpfile();
  if (file == nullptr || fwrite(text.data(), 1, text.size(), file) != text.size()) std::abort();
  rewind(file);
  RecordedCalls calls;
  const absl::Status status = ReadText(fileno(file), "", "in", &calls, [](int64_t) {});
  if (!status.ok()) std::abort();
  fclose(file);
  return calls;
}

}  // namespace

std::string TcpInfoText(const TcpInfo& info) {
  std::vector<std::string> parts;
  if (const auto limited = info.delivery_rate_app_limited(); limited.has_value()) {
    parts.push_back(absl::StrCat("app_limited=", *limited ? "true" : "false"));
  }
  for (const Member& member : kMembers) {
    const std::string value = member.text(info);
    if (!value.empty()) parts.push_back(absl::StrCat(member.name, "=", value));
  }
  return absl::StrJoin(parts, " ");
}

void RecordedCalls::OnCommand(const RecordedCommand& command) {
  calls_.push_back(absl::StrCat(command.place.line, " command ", command.text));
}

void RecordedCalls::OnSocket(const RecordedSocket& socket) {
  const SocketSample& sample = socket.sample;
  std::string text = absl::StrCat(socket.place.line, " socket ", Name(sample.state), " ",
                                  EndpointText(sample.local_ip, sample.local_port), " ",
                                  EndpointText(sample.remote_ip, sample.remote_port));
  if (sample.v4_mapped) absl::StrAppend(&text, " mapped");
  if (sample.rqueue != 0) absl::StrAppend(&text, " rq=", sample.rqueue);
  if (sample.wqueue != 0) absl::StrAppend(&text, " wq=", sample.wqueue);
  if (sample.timer != 0) absl::StrAppend(&text, " timer=", sample.timer, "/", sample.retransmits);
  if (sample.uid != 0) absl::StrAppend(&text, " uid=", sample.uid);
  if (sample.inode != 0) absl::StrAppend(&text, " ino=", sample.inode);
  if (sample.key.cookie != 0) absl::StrAppend(&text, " sk=", absl::Hex(sample.key.cookie));
  if (!sample.cc().empty()) absl::StrAppend(&text, " ", sample.cc());
  const std::string info = TcpInfoText(sample.info);
  if (!info.empty()) absl::StrAppend(&text, " ", info);
  if (socket.stated_bps.has_value()) absl::StrAppend(&text, " stated_bps=", *socket.stated_bps);
  if (!socket.shortened.empty()) {
    absl::StrAppend(&text, " shortened=", absl::StrJoin(socket.shortened, ","));
  }
  for (const v1::Process& process : socket.processes) {
    absl::StrAppend(&text, " ", process.comm(), "[", process.pid(),
                    "]:", absl::StrJoin(process.fds(), ","));
  }
  if (socket.only_some) absl::StrAppend(&text, " of a part");
  calls_.push_back(text);
  sockets_.push_back(socket);
}

void RecordedCalls::OnCounter(const RecordedCounter& counter) {
  calls_.push_back(absl::StrCat(counter.place.line, " counter ", counter.name, " ", counter.value,
                                counter.is_increase ? " increase" : ""));
}

void RecordedCalls::OnCount(const RecordedCount& count) {
  calls_.push_back(absl::StrCat(count.place.line, " count ", count.state, " ", count.count,
                                count.counts_header ? " with header" : "",
                                count.only_some ? " of a part" : ""));
}

void RecordedCalls::OnProcess(const RecordedProcess& process) {
  std::string text = absl::StrCat(process.place.line, " process ", process.process.pid(), " ",
                                  process.process.comm());
  if (process.process.has_rss_bytes()) {
    absl::StrAppend(&text, " rss=", process.process.rss_bytes());
  }
  if (process.process.cmdline_size() > 0) {
    absl::StrAppend(&text, " \"", absl::StrJoin(process.process.cmdline(), " "), "\"");
  }
  if (!process.remark.empty()) absl::StrAppend(&text, " ", process.remark);
  calls_.push_back(text);
}

void RecordedCalls::OnSegment(const Place& place, const CapturedSegment& segment) {
  calls_.push_back(absl::StrCat(place.line, " segment ",
                                EndpointText(segment.src_ip, segment.src_port), " ",
                                EndpointText(segment.dst_ip, segment.dst_port)));
}

void RecordedCalls::OnRelated(const Place& place, const RelatedPacket& related) {
  calls_.push_back(absl::StrCat(place.line, " related to ", related.src_ip.ToString(), " ",
                                related.dst_ip.ToString()));
}

void RecordedCalls::OnUnread(const Unread& unread) {
  std::string text = absl::StrCat(unread.place.line, " unread ", unread.reason);
  if (!unread.excerpt.empty()) absl::StrAppend(&text, ": ", unread.excerpt);
  if (unread.lines != 1) absl::StrAppend(&text, " (", unread.lines, " lines)");
  calls_.push_back(text);
}

std::vector<std::string> CallsOf(absl::string_view text) { return Read(text).calls(); }
std::vector<RecordedSocket> SocketsOf(absl::string_view text) { return Read(text).sockets(); }

}  // namespace tcpmedic

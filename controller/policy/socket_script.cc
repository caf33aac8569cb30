#include "controller/policy/socket_script.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "controller/policy/field_reader.h"

namespace tcpmedic {

struct TcpInfoField {
  absl::string_view name;
  size_t offset;
  size_t bytes;
  absl::Duration unit;  // zero: a plain number
};

namespace {

constexpr absl::Duration kPlain = absl::ZeroDuration();
constexpr absl::Duration kMicroseconds = absl::Microseconds(1);
constexpr absl::Duration kMilliseconds = absl::Milliseconds(1);

#define TCP_INFO_FIELD(name, unit) \
  { #name, offsetof(tcp_info, tcpi_##name), sizeof(tcp_info::tcpi_##name), unit }
const TcpInfoField kFields[] = {
    TCP_INFO_FIELD(ca_state, kPlain),
    TCP_INFO_FIELD(retransmits, kPlain),
    TCP_INFO_FIELD(probes, kPlain),
    TCP_INFO_FIELD(backoff, kPlain),
    TCP_INFO_FIELD(rto, kMicroseconds),
    TCP_INFO_FIELD(snd_mss, kPlain),
    TCP_INFO_FIELD(rcv_mss, kPlain),
    TCP_INFO_FIELD(unacked, kPlain),
    TCP_INFO_FIELD(sacked, kPlain),
    TCP_INFO_FIELD(lost, kPlain),
    TCP_INFO_FIELD(retrans, kPlain),
    TCP_INFO_FIELD(last_data_sent, kMilliseconds),
    TCP_INFO_FIELD(last_data_recv, kMilliseconds),
    TCP_INFO_FIELD(last_ack_recv, kMilliseconds),
    TCP_INFO_FIELD(pmtu, kPlain),
    TCP_INFO_FIELD(rtt, kMicroseconds),
    TCP_INFO_FIELD(rttvar, kMicroseconds),
    TCP_INFO_FIELD(snd_ssthresh, kPlain),
    TCP_INFO_FIELD(snd_cwnd, kPlain),
    TCP_INFO_FIELD(advmss, kPlain),
    TCP_INFO_FIELD(reordering, kPlain),
    TCP_INFO_FIELD(rcv_rtt, kMicroseconds),
    TCP_INFO_FIELD(rcv_space, kPlain),
    TCP_INFO_FIELD(total_retrans, kPlain),
    TCP_INFO_FIELD(pacing_rate, kPlain),
    TCP_INFO_FIELD(bytes_acked, kPlain),
    TCP_INFO_FIELD(bytes_received, kPlain),
    TCP_INFO_FIELD(segs_out, kPlain),
    TCP_INFO_FIELD(segs_in, kPlain),
    TCP_INFO_FIELD(notsent_bytes, kPlain),
    TCP_INFO_FIELD(min_rtt, kMicroseconds),
    TCP_INFO_FIELD(data_segs_in, kPlain),
    TCP_INFO_FIELD(data_segs_out, kPlain),
    TCP_INFO_FIELD(delivery_rate, kPlain),
    TCP_INFO_FIELD(busy_time, kMicroseconds),
    TCP_INFO_FIELD(rwnd_limited, kMicroseconds),
    TCP_INFO_FIELD(sndbuf_limited, kMicroseconds),
    TCP_INFO_FIELD(delivered, kPlain),
    TCP_INFO_FIELD(delivered_ce, kPlain),
    TCP_INFO_FIELD(bytes_sent, kPlain),
    TCP_INFO_FIELD(bytes_retrans, kPlain),
    TCP_INFO_FIELD(dsack_dups, kPlain),
    TCP_INFO_FIELD(reord_seen, kPlain),
    TCP_INFO_FIELD(rcv_ooopack, kPlain),
    TCP_INFO_FIELD(snd_wnd, kPlain),
};
#undef TCP_INFO_FIELD

constexpr Word kBooleans[] = {{"true", 1}, {"false", 0}};

std::vector<Word> StateWords() {
  std::vector<Word> words;
  for (int state = 1; state <= static_cast<int>(TcpState::kClosing); ++state) {
    words.push_back({Name(static_cast<TcpState>(state)), state});
  }
  return words;
}

}  // namespace

void ReadSocketScript(const YamlFile& file, const YamlNode& node, SocketScript* script,
                      std::vector<Issue>* issues) {
  FieldReader fields(file, node, "a socket", issues);
  SocketSample& still = script->still;
  if (auto state = fields.OneOf("state", StateWords(), Need::kOptional)) {
    still.state = static_cast<TcpState>(*state);
  }
  if (const YamlNode* cc = fields.Scalar("congestion_control", Need::kOptional)) {
    still.congestion_control.fill('\0');
    const size_t bytes = std::min(cc->text.size(), still.congestion_control.size() - 1);
    if (bytes < cc->text.size()) fields.Complain(*cc, "an algorithm has at most 15 letters");
    std::memcpy(still.congestion_control.data(), cc->text.data(), bytes);
  }
  fields.Endpoint("local", &still.local_ip, &still.local_port);
  fields.Endpoint("remote", &still.remote_ip, &still.remote_port);
  if (auto limited = fields.OneOf("delivery_rate_app_limited", kBooleans, Need::kOptional)) {
    script->delivery_rate_app_limited = *limited != 0;
  }

  std::vector<Word> names;
  for (const TcpInfoField& field : kFields) {
    names.push_back({field.name, static_cast<int>(field.offset + field.bytes)});
    const YamlNode* text = fields.Scalar(field.name, Need::kOptional);
    if (text == nullptr) continue;
    if (const std::optional<Series> series = ParseSeries(text->text, field.unit)) {
      script->fields[&field] = *series;
    } else {
      fields.Complain(
          *text, absl::StrCat("'", field.name, "' must be a start, and how it grows if it does"),
          field.unit == kPlain ? "400 +70/s" : "148ms, or 0s +900ms/s");
    }
  }
  // As kernels before that field's give it.
  if (auto bytes = fields.OneOf("tcp_info_ends_after", names, Need::kOptional)) {
    script->tcp_info_bytes = static_cast<size_t>(*bytes);
  }
  fields.RejectOthers();
}

SocketSample SocketScript::At(absl::Duration since_start) const {
  tcp_info info{};
  info.tcpi_state = static_cast<uint8_t>(still.state);
  info.tcpi_delivery_rate_app_limited = delivery_rate_app_limited;
  for (const auto& [field, series] : fields) {
    const double now = series.At(since_start);
    const double max = field->bytes == 1 ? UINT8_MAX : field->bytes == 4 ? UINT32_MAX : 1e18;
    const auto value = static_cast<uint64_t>(std::min(now, max));
    std::memcpy(reinterpret_cast<char*>(&info) + field->offset, &value,
                field->bytes);  // little-endian
  }
  SocketSample sample = still;
  sample.info.Assign(&info, tcp_info_bytes);
  return sample;
}

}  // namespace tcpmedic

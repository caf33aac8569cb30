#include "controller/policy/netns_script.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/policy/field_reader.h"
#include "diagnosis/netns_history.h"

namespace tcpmedic {
namespace {

constexpr char kMissing[] = "missing";
// Far above any listener's queue; each one is a sample in every scan.
constexpr int64_t kMaxHalfOpen = 100'000;

// The `i`-th address of a range that nobody owns, of the listener's family.
IpAddress Source(bool v6, int64_t i) {
  IpAddress ip = *IpAddress::Parse(v6 ? "2001:2::" : "198.18.0.0");
  const size_t last = v6 ? 15 : 3;
  ip.bytes[last] = static_cast<uint8_t>(i);
  ip.bytes[last - 1] = static_cast<uint8_t>(i >> 8);
  ip.bytes[last - 2] = static_cast<uint8_t>(ip.bytes[last - 2] + (i >> 16));
  return ip;
}

void ReadSeries(FieldReader* fields, absl::string_view name, Series* series) {
  const YamlNode* text = fields->Scalar(name, Need::kOptional);
  if (text == nullptr) return;
  if (const std::optional<Series> read = ParseSeries(text->text, absl::ZeroDuration())) {
    *series = *read;
  } else {
    fields->Complain(*text,
                     absl::StrCat("'", name, "' must be a start, and how it grows if it does"),
                     "128, 0 +2000/s, or 0 +1400/s from 8s to 9s");
  }
}

void ReadListener(const YamlFile& file, const YamlNode& node, NetnsScript::Listener* listener,
                  std::vector<Issue>* issues) {
  FieldReader fields(file, node, "'listener'", issues);
  fields.Endpoint("local", &listener->local_ip, &listener->local_port);
  if (auto backlog = fields.Integer("backlog", 0, kMaxHalfOpen, Need::kOptional)) {
    listener->backlog = *backlog;
  }
  ReadSeries(&fields, "accept_queue", &listener->accept_queue);
  ReadSeries(&fields, "syn_recv", &listener->syn_recv);
  if (auto sources = fields.Integer("sources", 1, kMaxHalfOpen, Need::kOptional)) {
    listener->sources = *sources;
  }
  fields.RejectOthers();
}

void ReadCounter(FieldReader* fields, absl::string_view name, NetnsScript* script) {
  const YamlNode* text = fields->Any(name, Need::kOptional);
  if (text == nullptr) return;
  if (text->text == kMissing) {
    script->counters.erase(std::string(name));
  } else {
    ReadSeries(fields, name, &script->counters[std::string(name)]);
  }
}

}  // namespace

void ReadNetnsScript(const YamlFile& file, const YamlNode& node, NetnsScript* script,
                     std::vector<Issue>* issues) {
  FieldReader fields(file, node, "a network namespace", issues);
  for (size_t i = 0; i < kNetnsCounters; ++i) {
    ReadCounter(&fields, Name(static_cast<NetnsCounter>(i)), script);
  }
  for (size_t i = 0; i < kNetnsSettings; ++i) {
    ReadCounter(&fields, Name(static_cast<NetnsSetting>(i)), script);
  }
  if (const YamlNode* listener = fields.Map("listener", Need::kOptional)) {
    if (!script->listener.has_value()) script->listener.emplace();
    ReadListener(file, *listener, &*script->listener, issues);
  }
  fields.RejectOthers();
}

CounterSample NetnsScript::CountersAt(absl::Duration since_start) const {
  CounterSample sample;
  for (const auto& [name, series] : counters) {
    sample.Set(name, static_cast<int64_t>(series.At(since_start)));
  }
  return sample;
}

std::vector<SocketSample> NetnsScript::SocketsAt(absl::Duration since_start,
                                                 uint64_t netns_cookie) const {
  std::vector<SocketSample> samples;
  if (!listener.has_value()) return samples;
  SocketSample socket;
  socket.key = {1, netns_cookie};
  socket.state = TcpState::kListen;
  socket.local_ip = listener->local_ip;
  socket.local_port = listener->local_port;
  socket.remote_ip.v6 = listener->local_ip.v6;
  socket.rqueue = static_cast<uint32_t>(listener->accept_queue.At(since_start));
  socket.wqueue = static_cast<uint32_t>(listener->backlog);
  socket.inode = 1;
  samples.push_back(socket);

  const auto half_open =
      std::min(kMaxHalfOpen, static_cast<int64_t>(listener->syn_recv.At(since_start)));
  socket.state = TcpState::kSynRecv;
  socket.rqueue = socket.wqueue = socket.inode = 0;
  for (int64_t i = 0; i < half_open; ++i) {
    ++socket.key.cookie;
    socket.remote_ip = Source(listener->local_ip.v6, i % listener->sources);
    socket.remote_port = static_cast<uint16_t>(1024 + i % 60'000);
    samples.push_back(socket);
  }
  return samples;
}

}  // namespace tcpmedic

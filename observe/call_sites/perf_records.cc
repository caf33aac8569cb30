#include "observe/call_sites/perf_records.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace tcpmedic {
namespace {

constexpr int64_t kReads[] = {SYS_read, SYS_readv, SYS_recvfrom, SYS_recvmsg};
constexpr int64_t kAccepts[] = {SYS_accept, SYS_accept4};

template <size_t N>
bool IsOneOf(int64_t call, const int64_t (&calls)[N]) {
  return std::find(calls, calls + N, call) != calls + N;
}

// Takes values off the front of a record; after one that does not fit, `ok` stays false.
class Reader {
 public:
  explicit Reader(absl::Span<const char> bytes) : bytes_(bytes) {}

  template <typename T>
  T Take() {
    T value{};
    const absl::Span<const char> taken = Take(sizeof(T));
    if (taken.size() == sizeof(T)) std::memcpy(&value, taken.data(), sizeof(T));
    return value;
  }
  absl::Span<const char> Take(uint64_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const absl::Span<const char> taken = bytes_.subspan(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  bool ok() const { return ok_; }

 private:
  absl::Span<const char> bytes_;
  bool ok_ = true;
};

std::optional<int64_t> FieldAt(absl::Span<const char> raw, size_t offset) {
  int64_t value;
  if (offset > raw.size() || raw.size() - offset < sizeof(value)) return std::nullopt;
  std::memcpy(&value, raw.data() + offset, sizeof(value));
  return value;
}

std::optional<int> Descriptor(uint64_t value) {
  // The kernel takes a descriptor as an unsigned int: the register's upper half means nothing.
  const uint32_t fd = static_cast<uint32_t>(value);
  if (fd > INT_MAX) return std::nullopt;
  return static_cast<int>(fd);
}

absl::Status Malformed(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("perf sample: ", what));
}

// "\tfield:long id;\toffset:8;\tsize:8;\tsigned:1;" → 8 for "long id".
absl::StatusOr<size_t> FieldOffset(absl::string_view format, absl::string_view field) {
  for (absl::string_view line : absl::StrSplit(format, '\n')) {
    if (!absl::ConsumePrefix(&line, absl::StrCat("\tfield:", field, ";\toffset:"))) continue;
    const std::vector<absl::string_view> parts = absl::StrSplit(line, ';');
    size_t offset;
    absl::string_view size = parts.size() > 1 ? parts[1] : "";
    int bytes;
    if (absl::SimpleAtoi(parts[0], &offset) && offset <= 4096 &&
        absl::ConsumePrefix(&size, "\tsize:") && absl::SimpleAtoi(size, &bytes) && bytes >= 8) {
      return offset;
    }
  }
  return absl::UnimplementedError(
      absl::StrCat("this kernel's format of raw_syscalls has no 64-bit field \"", field, "\""));
}

absl::StatusOr<uint16_t> EventId(absl::string_view format) {
  for (absl::string_view line : absl::StrSplit(format, '\n')) {
    int id;
    if (absl::ConsumePrefix(&line, "ID: ") && absl::SimpleAtoi(line, &id) && id > 0 &&
        id <= UINT16_MAX) {
      return static_cast<uint16_t>(id);
    }
  }
  return absl::UnimplementedError("this kernel's format of raw_syscalls has no ID");
}

}  // namespace

const uint64_t kSampleType = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW |
                             PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;

absl::StatusOr<TraceLayout> ParseTraceFormats(absl::string_view enter_format,
                                              absl::string_view exit_format) {
  TraceLayout layout;
  const auto take = [](auto from, auto* into) {
    if (from.ok()) *into = *from;
    return from.status();
  };
  for (const absl::Status& status :
       {take(EventId(enter_format), &layout.enter_id), take(EventId(exit_format), &layout.exit_id),
        take(FieldOffset(enter_format, "long id"), &layout.enter_call_offset),
        take(FieldOffset(enter_format, "unsigned long args[6]"), &layout.enter_arguments_offset),
        take(FieldOffset(exit_format, "long id"), &layout.exit_call_offset),
        take(FieldOffset(exit_format, "long ret"), &layout.exit_result_offset)}) {
    if (!status.ok()) return status;
  }
  return layout;
}

std::string EnterFilter() { return absl::StrCat("id == ", SYS_close); }

std::string ExitFilter() {
  std::vector<std::string> calls;
  for (const int64_t call : kReads) calls.push_back(absl::StrCat("id == ", call));
  for (const int64_t call : kAccepts) calls.push_back(absl::StrCat("id == ", call));
  return absl::StrCat("ret >= 0 && (", absl::StrJoin(calls, " || "), ")");
}

bool ForEachRecord(absl::Span<const char> ring, uint64_t tail, uint64_t head, std::string* scratch,
                   absl::FunctionRef<void(absl::Span<const char>)> visit) {
  const uint64_t size = ring.size();
  if (size == 0 || (size & (size - 1)) != 0 || head < tail || head - tail > size) return false;
  const auto copy = [&](uint64_t from, char* into, size_t n) {
    const uint64_t at = from & (size - 1);
    const size_t first = std::min<uint64_t>(n, size - at);
    std::memcpy(into, ring.data() + at, first);
    std::memcpy(into + first, ring.data(), n - first);
  };
  while (tail < head) {
    perf_event_header header;
    if (head - tail < sizeof(header)) return false;
    copy(tail, reinterpret_cast<char*>(&header), sizeof(header));
    if (header.size < sizeof(header) || header.size > head - tail) return false;
    const uint64_t at = tail & (size - 1);
    if (at + header.size <= size) {
      visit(ring.subspan(at, header.size));
    } else {
      scratch->resize(header.size);
      copy(tail, scratch->data(), header.size);
      visit(*scratch);
    }
    tail += header.size;
  }
  return true;
}

bool IsSample(absl::Span<const char> record) {
  return Reader(record).Take<perf_event_header>().type == PERF_RECORD_SAMPLE;
}

std::optional<int64_t> LostRecords(absl::Span<const char> record) {
  Reader reader(record);
  if (reader.Take<perf_event_header>().type != PERF_RECORD_LOST) return std::nullopt;
  reader.Take<uint64_t>();  // the event's id
  const uint64_t lost = reader.Take<uint64_t>();
  if (!reader.ok() || lost > INT64_MAX) return std::nullopt;
  return static_cast<int64_t>(lost);
}

// The fields' order is that of perf_event_open(2), "PERF_RECORD_SAMPLE".
absl::StatusOr<std::optional<TracedCall>> ParseSample(absl::Span<const char> record,
                                                      const TraceLayout& layout) {
  Reader reader(record);
  if (reader.Take<perf_event_header>().type != PERF_RECORD_SAMPLE) return Malformed("not a sample");
  TracedCall call;
  call.pid = reader.Take<int32_t>();
  call.tid = reader.Take<int32_t>();
  call.time_ns = reader.Take<int64_t>();
  const absl::Span<const char> raw = reader.Take(reader.Take<uint32_t>());
  const uint64_t abi = reader.Take<uint64_t>();
  UserStack stack;
  if (abi != PERF_SAMPLE_REGS_ABI_NONE) {
    for (uint64_t& value : stack.registers) value = reader.Take<uint64_t>();
  }
  const uint64_t reserved = reader.Take<uint64_t>();
  absl::Span<const char> bytes = reader.Take(reserved);
  const uint64_t copied = reserved > 0 ? reader.Take<uint64_t>() : 0;
  if (!reader.ok()) return Malformed("it ends early");
  if (copied > reserved) return Malformed("more of the stack than was reserved");

  uint16_t event = 0;
  if (raw.size() < sizeof(event)) return Malformed("no tracepoint number");
  std::memcpy(&event, raw.data(), sizeof(event));
  if (event != layout.enter_id && event != layout.exit_id) return Malformed("another tracepoint");
  const bool enter = event == layout.enter_id;
  const auto number = FieldAt(raw, enter ? layout.enter_call_offset : layout.exit_call_offset);
  const auto value =
      FieldAt(raw, enter ? layout.enter_arguments_offset : layout.exit_result_offset);
  if (!number || !value) return Malformed("the tracepoint's fields are cut");
  if (abi != PERF_SAMPLE_REGS_ABI_64) return std::nullopt;

  std::optional<int> fd;
  if (enter) {
    if (*number != SYS_close) return std::nullopt;
    call.kind = CallKind::kClose;
    fd = Descriptor(*value);
  } else if (IsOneOf(*number, kAccepts)) {
    call.kind = CallKind::kAccept;
    if (*value >= 0) fd = Descriptor(*value);
  } else if (IsOneOf(*number, kReads) && *value >= 0) {
    const bool sized = *number == SYS_read || *number == SYS_recvfrom;
    if (sized && stack.at(Register::kDx) == 0) return std::nullopt;  // 0 of 0 bytes is no EOF
    call.kind = *value == 0 ? CallKind::kReadEof : CallKind::kRead;
    fd = Descriptor(stack.at(Register::kDi));
  }
  if (!fd) return std::nullopt;
  call.fd = *fd;
  if (!enter) {
    stack.bytes.assign(bytes.data(), copied);
    call.stack = std::make_shared<const UserStack>(std::move(stack));
  }
  return call;
}

}  // namespace tcpmedic

// What perf_event_open(2) writes about a traced process, bytes → calls. Pure; every length is
// checked. The register layout is x86-64's, whose kernel keeps a system call's arguments in their
// registers until the call returns (entry_64.S changes rax, rcx and r11 only): the record of the
// return alone says which descriptor it was about. So nothing has to be paired, and a call that
// began before sampling did is whole.
#ifndef TCPMEDIC_OBSERVE_CALL_SITES_PERF_RECORDS_H_
#define TCPMEDIC_OBSERVE_CALL_SITES_PERF_RECORDS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "observe/call_sites/call_sites.h"

namespace tcpmedic {

// perf_event_attr.sample_regs_user: AX BX CX DX SI DI BP SP IP (bits 0–8) and R8…R15 (16–23) of
// arch/x86/include/uapi/asm/perf_regs.h. A sample holds them in this order.
inline constexpr uint64_t kSampledRegisters = 0xff01ff;
enum class Register {
  kAx,
  kBx,
  kCx,
  kDx,
  kSi,
  kDi,
  kBp,
  kSp,
  kIp,
  kR8,
  kR9,
  kR10,
  kR11,
  kR12,
  kR13,
  kR14,
  kR15,
  kCount
};

// A thread's registers when its call ended, and the part of its stack that the kernel copied.
struct UserStack {
  std::array<uint64_t, static_cast<size_t>(Register::kCount)> registers{};
  std::string bytes;  // from the stack pointer upwards

  uint64_t at(Register r) const { return registers[static_cast<size_t>(r)]; }
  bool operator==(const UserStack&) const = default;
};

struct TracedCall {
  int64_t time_ns = 0;  // CLOCK_MONOTONIC
  int pid = 0;
  int tid = 0;
  CallKind kind = CallKind::kRead;
  int fd = -1;
  std::shared_ptr<const UserStack> stack;  // null for kClose
};

// Where the records of raw_syscalls:sys_enter and sys_exit keep what is needed; offsets in bytes.
struct TraceLayout {
  uint16_t enter_id = 0;  // the tracepoints' numbers
  uint16_t exit_id = 0;
  size_t enter_call_offset = 0;
  size_t enter_arguments_offset = 0;
  size_t exit_call_offset = 0;
  size_t exit_result_offset = 0;

  bool operator==(const TraceLayout&) const = default;
};

// From the two events' `format` files in tracefs. Unimplemented: a field is not there, or is not of
// 8 bytes.
absl::StatusOr<TraceLayout> ParseTraceFormats(absl::string_view enter_format,
                                              absl::string_view exit_format);

// Which records the kernel shall make at all. A call that failed is no use of a descriptor: an
// event loop's many EAGAIN cost nothing but the comparison. close is taken when it begins, so that
// it comes before whatever gets the same number next.
std::string EnterFilter();
std::string ExitFilter();

// Calls `visit` with each record (its header included) in [tail, head) of a perf ring buffer's
// data, whose size is a power of two; positions count from the ring's beginning of time. `scratch`
// holds records that wrap. False: a record's length is impossible, and the rest is skipped.
bool ForEachRecord(absl::Span<const char> ring, uint64_t tail, uint64_t head, std::string* scratch,
                   absl::FunctionRef<void(absl::Span<const char>)> visit);

// PERF_RECORD_LOST: how many were lost.
std::optional<int64_t> LostRecords(absl::Span<const char> record);

bool IsSample(absl::Span<const char> record);

// A PERF_RECORD_SAMPLE of sample_type kSampleType. nullopt: a call that says nothing about a
// descriptor (a read of no bytes, or by 32-bit code, whose registers mean something else).
// DataLoss: malformed.
extern const uint64_t kSampleType;
absl::StatusOr<std::optional<TracedCall>> ParseSample(absl::Span<const char> record,
                                                      const TraceLayout& layout);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CALL_SITES_PERF_RECORDS_H_

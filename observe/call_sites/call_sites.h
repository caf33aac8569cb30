// Call sites: the places in a program's code where descriptors that it leaks were last used. Values
// and the grouping of stacks into sites; pure.
#ifndef TCPMEDIC_OBSERVE_CALL_SITES_CALL_SITES_H_
#define TCPMEDIC_OBSERVE_CALL_SITES_CALL_SITES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tcpmedic {

// What a call did to a descriptor. The first three are uses.
enum class CallKind { kReadEof, kRead, kAccept, kClose };

// "read returned 0", "read", "accept", "close".
absl::string_view CallKindName(CallKind kind);

struct CallFrame {
  // Demangled. Empty: no symbol covers the address. A function that the compiler has inlined has a
  // frame of its own where DWARF says so.
  std::string function;
  std::string source;  // "leak.cc:42"; empty: no line information
  // The mapped file as the process names it: "/usr/sbin/nginx". Empty: no file is mapped there
  // (code made at run time), and `offset` is an address of the process.
  std::string module;
  // As addr2line -e MODULE takes it. In a caller's frame it lies inside the call instruction, one
  // byte before the address that the call returns to.
  uint64_t offset = 0;
  std::string build_id;  // hex; empty: the module has none

  bool operator==(const CallFrame&) const = default;
};

struct CallSite {
  CallKind kind = CallKind::kRead;
  int fds = 0;                    // leaked descriptors whose last use was this call
  std::vector<CallFrame> frames;  // innermost first; may end early (a truncated stack, code without
                                  // unwind tables)

  // The innermost frame outside libc, whose own frames only wrap the system call. Null: none.
  const CallFrame* where() const;

  bool operator==(const CallSite&) const = default;
};

struct CallSiteReport {
  std::vector<CallSite> sites;  // most descriptors first
  int leaked_fds = 0;           // that were asked for
  int seen_fds = 0;             // of those, last used while calls were sampled
  int64_t samples = 0;          // calls recorded
  int64_t lost = 0;             // calls that the kernel had no room to record
  absl::Duration sampled;       // time in which calls were recorded
  // Sentences: what the host, the kernel or the program kept this from knowing.
  std::vector<std::string> degraded;
};

// "function (leak.cc:42)", "function (/usr/bin/server+0x1234)" or "/usr/bin/server+0x1234".
std::string DescribeFrame(const CallFrame& frame);

// One site for each kind and stack, most descriptors first; equal numbers in order of kind, then of
// their stacks. Each element is one descriptor.
std::vector<CallSite> GroupIntoSites(
    std::vector<std::pair<CallKind, std::vector<CallFrame>>> last_uses);

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CALL_SITES_CALL_SITES_H_

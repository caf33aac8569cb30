#include "diagnosis/trace/trace_words.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tcpmedic {

std::string WaitText(absl::Duration span) {
  const double us = absl::ToDoubleMicroseconds(span);
  if (us < 999.5) return absl::StrFormat("%.3g µs", us);
  if (us < 999'500) return absl::StrFormat("%.3g ms", us / 1e3);
  if (us < 999.5e6) return absl::StrFormat("%.3g s", us / 1e6);
  return absl::StrFormat("%.0f s", us / 1e6);
}

std::string Counted(int64_t count, absl::string_view one, absl::string_view many) {
  return absl::StrCat(count, " ", count == 1 ? one : many);
}

std::string ByteCount(int64_t count) { return Counted(count, "byte", "bytes"); }

}  // namespace tcpmedic

#include "controller/store/audit_chain.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/policy/digest.h"

namespace tcpmedic {
namespace {

// Lengths before texts: no two different entries have the same canonical form.
void AppendText(std::string* out, absl::string_view text) {
  absl::StrAppend(out, text.size(), ":", text, ";");
}

std::string HashAfter(absl::string_view previous_hash, const v1::AuditEntry& entry) {
  std::string canonical;
  AppendText(&canonical, previous_hash);
  absl::StrAppend(&canonical, entry.sequence(), ";", entry.at().seconds(), ";", entry.at().nanos(),
                  ";");
  AppendText(&canonical, entry.actor());
  AppendText(&canonical, entry.action());
  AppendText(&canonical, entry.subject());
  AppendText(&canonical, entry.detail());
  return Sha256Hex(canonical);
}

}  // namespace

v1::AuditEntry Chain(const ChainLink& previous, v1::AuditEntry entry) {
  entry.set_sequence(previous.sequence + 1);
  entry.set_hash(HashAfter(previous.hash, entry));
  return entry;
}

absl::Status VerifyChain(const ChainLink& before, absl::Span<const v1::AuditEntry> entries,
                         const ChainLink& head) {
  ChainLink previous = before;
  for (const v1::AuditEntry& entry : entries) {
    if (entry.sequence() != previous.sequence + 1) {
      return absl::DataLossError(absl::StrCat("audit entry ", previous.sequence + 1,
                                              " is missing: ", entry.sequence(), " follows ",
                                              previous.sequence));
    }
    if (entry.hash() != HashAfter(previous.hash, entry)) {
      return absl::DataLossError(
          absl::StrCat("audit entry ", entry.sequence(), " is not what was written"));
    }
    previous = LinkOf(entry);
  }
  if (previous != head) {
    return absl::DataLossError(absl::StrCat("the audit log ends with entry ", previous.sequence,
                                            ", but ", head.sequence, " was written last"));
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic

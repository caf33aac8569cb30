#include "lab/transfer_options.h"

#include "absl/strings/str_cat.h"

namespace tcpmedic::lab {

absl::Status Validate(const TransferOptions& transfer) {
  if (transfer.flows < 1 || transfer.flows > kMaxFlows) {
    return absl::InvalidArgumentError(
        absl::StrCat(transfer.flows, " flows are not from 1 to ", kMaxFlows));
  }
  if (transfer.duration <= absl::ZeroDuration() ||
      transfer.duration > absl::Seconds(kMaxTransferSeconds)) {
    return absl::InvalidArgumentError(absl::StrCat("a duration of ",
                                                   absl::FormatDuration(transfer.duration),
                                                   " is not within ", kMaxTransferSeconds, " s"));
  }
  if (transfer.port == 0) return absl::InvalidArgumentError("port 0");
  if (transfer.congestion_control.empty() || transfer.congestion_control.size() > 15) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", transfer.congestion_control, "' is no congestion control's name"));
  }
  for (const int64_t limit :
       {transfer.app_rate_bps, transfer.read_rate_bps, transfer.receive_buffer_bytes,
        transfer.send_buffer_bytes, transfer.write_bytes, transfer.connection_bytes}) {
    if (limit < 0) return absl::InvalidArgumentError(absl::StrCat("a limit of ", limit));
  }
  return absl::OkStatus();
}

}  // namespace tcpmedic::lab

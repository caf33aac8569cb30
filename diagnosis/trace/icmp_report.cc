#include "diagnosis/trace/icmp_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "diagnosis/trace/trace_words.h"

namespace tcpmedic {
namespace {

std::string After(const IcmpReport& report) {
  if (!report.after) return "";
  return absl::StrCat(", ", WaitText(*report.after), " after it");
}

std::string Times(const IcmpReport& report) {
  if (report.count == 1) return "";
  return absl::StrCat(" (", report.count, " times)");
}

// What has to be looked at.
std::string Meaning(IcmpError error, bool by_host, const std::string& host) {
  switch (error) {
    case IcmpError::kNetUnreachable:
      return absl::StrCat("that router has no route to ", host);
    case IcmpError::kHostUnreachable:
      return absl::StrCat(host, " is down, or that router has no way to it");
    case IcmpError::kProtocolUnreachable:
      return absl::StrCat("TCP is rejected there");
    case IcmpError::kPortUnreachable:
      return absl::StrCat("a firewall ", by_host ? "on that host" : "there",
                          " rejects it; a closed port would have answered with a RST");
    case IcmpError::kProhibited:
      return absl::StrCat("a firewall ", by_host ? "on that host" : "there", " rejects it");
    case IcmpError::kTimeExceeded:
      return "it passed more hops than its TTL allows: a routing loop";
    case IcmpError::kUnreachable:
    case IcmpError::kPacketTooBig:
    case IcmpError::kReassemblyTimeExceeded:
      break;
  }
  return absl::StrCat("it did not reach ", host);
}

}  // namespace

absl::string_view Name(IcmpError error) {
  switch (error) {
    case IcmpError::kNetUnreachable:
      return "network unreachable";
    case IcmpError::kHostUnreachable:
      return "host unreachable";
    case IcmpError::kProtocolUnreachable:
      return "protocol unreachable";
    case IcmpError::kPortUnreachable:
      return "port unreachable";
    case IcmpError::kProhibited:
      return "administratively prohibited";
    case IcmpError::kUnreachable:
      return "destination unreachable";
    case IcmpError::kPacketTooBig:
      return "packet too big";
    case IcmpError::kTimeExceeded:
      return "time exceeded";
    case IcmpError::kReassemblyTimeExceeded:
      return "fragment reassembly time exceeded";
  }
  return "";
}

bool AnswersSyn(const IcmpReport& report) {
  return report.about_syn && report.error != IcmpError::kPacketTooBig &&
         report.error != IcmpError::kReassemblyTimeExceeded;
}

std::string ReportText(const IcmpReport& report) {
  return absl::StrCat(
      report.from.ToString(), " reported ICMP ", Name(report.error),
      report.mtu > 0 ? absl::StrCat(" (", report.mtu, " bytes fit its next link)") : "",
      Times(report), After(report));
}

const IcmpReport* AnswerToSyn(absl::Span<const IcmpReport> reports) {
  const auto found = std::find_if(reports.begin(), reports.end(), [](const IcmpReport& report) {
    return report.of_client && AnswersSyn(report);
  });
  return found == reports.end() ? nullptr : &*found;
}

std::string SynReportText(const IcmpReport& report, const IpAddress& host) {
  return absl::StrCat(report.from.ToString(), " answered the SYN with ICMP ", Name(report.error),
                      Times(report), After(report), ": ",
                      Meaning(report.error, report.from == host, host.ToString()), ".");
}

}  // namespace tcpmedic

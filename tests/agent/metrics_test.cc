#include "agent/metrics.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::Report BusyReport() {
  v1::Report report;
  report.add_findings()->set_signature("pinned-cwnd");
  report.add_findings()->set_signature("pinned-cwnd");
  report.add_activity()->set_signature("pinned-cwnd");
  report.add_activity()->set_signature("close-wait-leak");
  v1::ScanStats* stats = report.mutable_stats();
  stats->mutable_interval()->set_seconds(2);
  stats->mutable_interval()->set_nanos(500'000'000);
  stats->mutable_scan_cpu()->set_nanos(25'000'000);
  stats->set_namespaces(3);
  stats->set_sockets(20'417);
  stats->set_suspects(48);
  stats->set_suspects_not_kept(5);
  stats->set_interrupted_dumps(2);
  stats->set_malformed_messages(1);
  stats->add_degraded("one thing");
  return report;
}

TEST(MetricsTest, BoardIsRenderedWhole) {
  StatusBoard board;
  board.Scanned(BusyReport(), absl::Seconds(1000));
  board.Scanned(BusyReport(), absl::Seconds(1002));
  board.SetLink({.connected = true, .connects = 2, .reports_sent = 40, .reports_acked = 39});
  board.SetOrders(
      {.by_state = {{v1::Order::STATE_APPLIED, 5}, {v1::Order::STATE_COMMITTED, 3}}, .live = 1});
  const std::string text = RenderMetrics(board.Read(), absl::Seconds(1003));

  const std::string golden =
      absl::StrCat(TCPMEDIC_SOURCE_DIR, "/tests/data/agent/metrics/busy.prom");
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(golden) << text;
  std::ostringstream expected;
  expected << std::ifstream(golden).rdbuf();
  EXPECT_EQ(text, expected.str());
}

TEST(MetricsTest, SampleAgeIsMissingBeforeTheFirstSample) {
  EXPECT_THAT(RenderMetrics(AgentStatus(), absl::Seconds(1000)),
              Not(HasSubstr("newest_sample_age")));
}

TEST(MetricsTest, SignatureWhoseFindingWentStaysAtZero) {
  StatusBoard board;
  board.Scanned(BusyReport(), absl::Seconds(1000));
  v1::Report all_clear = BusyReport();
  all_clear.clear_findings();
  board.Scanned(all_clear, absl::Seconds(1002));
  EXPECT_THAT(RenderMetrics(board.Read(), absl::Seconds(1003)),
              HasSubstr("tcpmedic_agent_findings{signature=\"pinned-cwnd\"} 0"));
}

std::string HttpGet(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string response;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
    if (write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
      char buffer[4096];
      for (ssize_t n; (n = read(fd, buffer, sizeof(buffer))) > 0;) response.append(buffer, n);
    }
  }
  close(fd);
  return response;
}

TEST(MetricsTest, ServesTheBoardOverHttp) {
  StatusBoard board;
  board.Scanned(BusyReport(), absl::Seconds(1000));
  const auto server = MetricsServer::Start("127.0.0.1:0", &board, Clock::Real());
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT(HttpGet((*server)->port()), HasSubstr("\ntcpmedic_agent_sockets 20417\n"));
}

TEST(MetricsTest, TakenPortIsAnErrorThatNamesIt) {
  StatusBoard board;
  const auto first = MetricsServer::Start("127.0.0.1:0", &board, Clock::Real());
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string taken = absl::StrCat("127.0.0.1:", (*first)->port());
  const auto second = MetricsServer::Start(taken, &board, Clock::Real());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(taken));
}

}  // namespace
}  // namespace tcpmedic

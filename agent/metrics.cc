#include "agent/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/text_serializer.h>

#include <exception>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/proto_time.h"

namespace tcpmedic {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily Family(const char* name, const char* help, MetricType type) {
  MetricFamily family;
  family.name = absl::StrCat("tcpmedic_agent_", name);
  family.help = help;
  family.type = type;
  return family;
}

MetricFamily Gauge(const char* name, const char* help, double value) {
  MetricFamily family = Family(name, help, MetricType::Gauge);
  family.metric.emplace_back().gauge.value = value;
  return family;
}

MetricFamily Counter(const char* name, const char* help, double value) {
  MetricFamily family = Family(name, help, MetricType::Counter);
  family.metric.emplace_back().counter.value = value;
  return family;
}

// What may become of an order has a series from the start, at 0: an alert on its rise needs one.
void AddOrders(const OrderCounts& counts, std::vector<MetricFamily>* families) {
  constexpr std::pair<v1::Order::State, const char*> kOutcomes[] = {
      {v1::Order::STATE_APPLIED, "applied"},         {v1::Order::STATE_REFUSED, "refused"},
      {v1::Order::STATE_COMMITTED, "committed"},     {v1::Order::STATE_ENDED, "ended"},
      {v1::Order::STATE_ROLLED_BACK, "rolled_back"}, {v1::Order::STATE_DRIFTED, "drifted"},
  };
  MetricFamily orders = Family("orders_total",
                               "Orders by what became of them, since start; one "
                               "order counts under each state that it came to.",
                               MetricType::Counter);
  for (const auto& [state, name] : kOutcomes) {
    const auto count = counts.by_state.find(state);
    ClientMetric& metric = orders.metric.emplace_back();
    metric.label.push_back({"state", name});
    metric.counter.value = count == counts.by_state.end() ? 0 : count->second;
  }
  families->push_back(std::move(orders));
  families->push_back(
      Gauge("orders_live", "Orders that are applied and not decided yet.", counts.live));
}

std::vector<MetricFamily> Families(const AgentStatus& status, absl::Duration uptime_now) {
  const v1::ScanStats& scan = status.scan;
  std::vector<MetricFamily> families;
  families.push_back(Counter("scans_total", "Scans since start.", status.scans));
  families.push_back(Counter("scan_cpu_seconds_total", "CPU time that scans took.",
                             absl::ToDoubleSeconds(status.scan_cpu_total)));
  families.push_back(Gauge("scan_interval_seconds",
                           "Time between scans in force, as the CPU budget stretches it.",
                           absl::ToDoubleSeconds(FromProto(scan.interval()))));
  // Before the first sample there is no age: a missing series, not a 0 that looks fresh.
  if (status.scans > 0) {
    families.push_back(Gauge("newest_sample_age_seconds", "How old the newest sample is.",
                             absl::ToDoubleSeconds(uptime_now - status.newest_sample_uptime)));
  }
  families.push_back(
      Gauge("namespaces", "Network namespaces in the newest scan.", scan.namespaces()));
  families.push_back(Gauge("sockets", "Sockets in the newest scan.", scan.sockets()));
  families.push_back(Gauge("suspects", "Sockets whose samples are kept.", scan.suspects()));
  families.push_back(
      Counter("suspects_not_kept_total", "Suspects over the limit.", scan.suspects_not_kept()));
  families.push_back(Counter("interrupted_dumps_total",
                             "Socket dumps that changed while they were read, and were retried.",
                             scan.interrupted_dumps()));
  families.push_back(Counter("malformed_messages_total",
                             "Kernel messages skipped: shorter than they claim.",
                             scan.malformed_messages()));
  MetricFamily findings = Family("findings", "Findings present now.", MetricType::Gauge);
  for (const auto& [signature, count] : status.findings_by_signature) {
    ClientMetric& metric = findings.metric.emplace_back();
    metric.label.push_back({"signature", signature});
    metric.gauge.value = count;
  }
  families.push_back(std::move(findings));
  AddOrders(status.orders, &families);
  families.push_back(
      Gauge("degraded", "How many things the agent cannot do here; its log and `hosts` say which.",
            scan.degraded_size()));
  families.push_back(
      Gauge("link_connected", "1 while connected to the controller.", status.link.connected));
  families.push_back(
      Counter("link_connects_total", "Connections made since start.", status.link.connects));
  families.push_back(
      Counter("reports_sent_total", "Reports sent to the controller.", status.link.reports_sent));
  families.push_back(Counter("reports_acked_total", "Reports that the controller has stored.",
                             status.link.reports_acked));
  return families;
}

class BoardMetrics : public prometheus::Collectable {
 public:
  BoardMetrics(const StatusBoard* board, const Clock* clock) : board_(board), clock_(clock) {}

  std::vector<MetricFamily> Collect() const override {
    return Families(board_->Read(), clock_->Now().uptime);
  }

 private:
  const StatusBoard* board_;
  const Clock* clock_;
};

}  // namespace

std::string RenderMetrics(const AgentStatus& status, absl::Duration uptime_now) {
  return prometheus::TextSerializer().Serialize(Families(status, uptime_now));
}

struct MetricsServer::Inside {
  std::shared_ptr<BoardMetrics> metrics;  // the exposer holds it weakly
  std::unique_ptr<prometheus::Exposer> exposer;
};

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    const StatusBoard* board,
                                                                    const Clock* clock) {
  auto inside = std::make_unique<Inside>();
  inside->metrics = std::make_shared<BoardMetrics>(board, clock);
  try {
    inside->exposer = std::make_unique<prometheus::Exposer>(address, /*num_threads=*/1);
  } catch (const std::exception& e) {
    return absl::UnavailableError(absl::StrCat("metrics: bind ", address, ": ", e.what()));
  }
  inside->exposer->RegisterCollectable(inside->metrics);
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(inside)));
}

MetricsServer::MetricsServer(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
MetricsServer::~MetricsServer() = default;

int MetricsServer::port() const { return inside_->exposer->GetListeningPorts().front(); }

}  // namespace tcpmedic

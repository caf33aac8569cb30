// Campaigns in memory: the test says how far the one is, and sees what was asked of it.
#ifndef TCPMEDIC_TESTS_AGENT_ACT_FAKE_CALL_SITES_H_
#define TCPMEDIC_TESTS_AGENT_ACT_FAKE_CALL_SITES_H_

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "agent/act/call_site_source.h"

namespace tcpmedic {

class FakeCallSites : public CallSiteSource {
 public:
  // Of the campaign; those that begin later begin with it too.
  absl::StatusOr<CallSiteCampaign::Stage> stage = CallSiteCampaign::Stage::kSampling;
  std::optional<CallSiteReport> report;

  int started = 0;
  int live = 0;
  ProcessKey process;
  absl::Duration duration;
  std::optional<std::vector<LeakedFd>> resolved;

  std::unique_ptr<CallSiteCampaign> Start(const ProcessKey& of, absl::Duration how_long) override {
    ++started;
    process = of;
    duration = how_long;
    resolved.reset();
    return std::make_unique<Campaign>(this);
  }

 private:
  class Campaign : public CallSiteCampaign {
   public:
    explicit Campaign(FakeCallSites* all) : all_(all) { ++all_->live; }
    ~Campaign() override { --all_->live; }
    absl::StatusOr<Stage> stage() const override { return all_->stage; }
    void Resolve(std::vector<LeakedFd> leaked) override {
      if (!all_->resolved.has_value()) all_->resolved = std::move(leaked);
    }
    std::optional<CallSiteReport> TryReport() const override {
      return all_->resolved.has_value() ? all_->report : std::nullopt;
    }

   private:
    FakeCallSites* const all_;
  };
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_AGENT_ACT_FAKE_CALL_SITES_H_

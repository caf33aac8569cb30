#include "agent/order_desk.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/log.h"

namespace tcpmedic {
namespace {

const char* Word(v1::Order::State state) {
  switch (state) {
    case v1::Order::STATE_REFUSED:
      return "order refused";
    case v1::Order::STATE_APPLIED:
      return "order applied";
    case v1::Order::STATE_COMMITTED:
      return "order committed";
    case v1::Order::STATE_ENDED:
      return "order ended";
    case v1::Order::STATE_ROLLED_BACK:
      return "order rolled back";
    case v1::Order::STATE_DRIFTED:
      return "order left as it is: someone else changed its targets after it";
    default:
      return "order changed";
  }
}

// The controller has not stored any answer to it yet.
bool Unanswered(const v1::OrderWish& wish) {
  return wish.stored() == v1::Order::STATE_UNSPECIFIED ||
         wish.stored() == v1::Order::STATE_PENDING || wish.stored() == v1::Order::STATE_DISPATCHED;
}

}  // namespace

class OrderDesk::NewestScan : public HostView {
 public:
  NewestScan(const std::string& host, Scanner* scanner) : host_(host), scanner_(scanner) {}

  std::vector<Candidate> Candidates(const v1::Selector& selector) override {
    if (selector.host() != host_) return {};
    return scanner_->FindCandidates(selector);
  }
  std::optional<v1::NetworkNamespace> Namespace(const v1::Selector& selector) override {
    if (selector.host() != host_) return std::nullopt;
    return scanner_->engine()->NamespaceOf(selector);
  }
  std::optional<ProcessFound> Process(const v1::Selector& selector) override {
    if (selector.host() != host_) return std::nullopt;
    return scanner_->engine()->ProcessOf(selector);
  }
  std::optional<bool> Holds(uint64_t netns_cookie, const std::string& expression) override {
    return scanner_->engine()->Holds(netns_cookie, expression);
  }

 private:
  const std::string& host_;
  Scanner* const scanner_;
};

OrderDesk::OrderDesk(Options options, std::unique_ptr<OrderBook> book, Scanner* scanner,
                     StatusBoard* board)
    : options_(std::move(options)), book_(std::move(book)), scanner_(scanner), board_(board) {
  const std::vector<v1::OrderReport> replayed = Reports();
  FollowWhatIsApplied(replayed);
  CountChanges(replayed, /*count=*/false);
}

void OrderDesk::TakeWishes(const v1::OrderSet& wishes) {
  wants_fresh_samples_ = false;
  refused_.clear();
  for (const v1::OrderWish& wish : wishes.wishes()) {
    if (wish.wish() != v1::OrderWish::WISH_APPLY || !Unanswered(wish)) continue;
    if (book_ != nullptr) {
      wants_fresh_samples_ |= !known_states_.contains(wish.order().id());
    } else if (wish.order().session_nonce() == options_.session_nonce) {
      v1::OrderReport& refused = refused_.emplace_back();
      refused.set_order_id(wish.order().id());
      refused.set_state(v1::Order::STATE_REFUSED);
      refused.set_reason(options_.observes_only);
    }
  }
  if (book_ != nullptr) book_->SetWishes(wishes);
}

bool OrderDesk::Step(Moment now) {
  bool changed = false;
  if (book_ != nullptr) {
    NewestScan view(options_.host, scanner_);
    changed = book_->Step(now, &view);
  }
  wants_fresh_samples_ = book_ != nullptr && book_->wants_fresh_samples();
  const std::vector<v1::OrderReport> reports = Reports();
  for (const v1::OrderReport& refused : refused_) {
    changed |= !known_states_.contains(refused.order_id());
  }
  FollowWhatIsApplied(reports);
  CountChanges(reports, /*count=*/true);
  return changed;
}

absl::Duration OrderDesk::NextDeadline() const {
  return book_ == nullptr ? absl::InfiniteDuration() : book_->NextDeadline();
}

void OrderDesk::AddOrdersTo(v1::Report* report) const {
  report->clear_orders();
  std::vector<v1::OrderReport> orders = Reports();
  std::stable_partition(orders.begin(), orders.end(), [](const v1::OrderReport& order) {
    return order.state() == v1::Order::STATE_APPLIED;
  });
  size_t bytes = 0;
  for (v1::OrderReport& order : orders) {
    if (auto measured = scanner_->engine()->MeasuredOf(order.order_id())) {
      *order.mutable_measured() = *std::move(measured);
    } else if (const auto final_one = final_measurements_.find(order.order_id());
               final_one != final_measurements_.end()) {
      *order.mutable_measured() = final_one->second;
    }
    bytes += order.ByteSizeLong();
    if (bytes > options_.max_orders_bytes && report->orders_size() > 0) return;
    *report->add_orders() = std::move(order);
  }
}

bool OrderDesk::RollBackUncommitted(Moment now) {
  const bool sampled =
      book_ != nullptr && book_->AbandonSampling("the agent stopped while it was sampling");
  v1::OrderSet wishes;
  for (const v1::OrderReport& report : Reports()) {
    if (report.state() != v1::Order::STATE_APPLIED) continue;
    v1::OrderWish* const wish = wishes.add_wishes();
    wish->mutable_order()->set_id(report.order_id());
    wish->set_wish(v1::OrderWish::WISH_ROLL_BACK);
    wish->set_reason("the agent was stopped before the change was confirmed");
    wish->set_stored(report.state());
  }
  if (wishes.wishes().empty()) return sampled;
  TakeWishes(wishes);
  Step(now);
  return true;
}

std::vector<v1::OrderReport> OrderDesk::Reports() const {
  return book_ == nullptr ? refused_ : book_->Reports();
}

void OrderDesk::FollowWhatIsApplied(const std::vector<v1::OrderReport>& reports) {
  // Only while it is being verified: after the commit the sockets kept back are changed too.
  std::set<std::string> applied;
  std::set<std::string> reported;
  for (const v1::OrderReport& report : reports) {
    reported.insert(report.order_id());
    if (report.state() == v1::Order::STATE_APPLIED) applied.insert(report.order_id());
  }
  Engine* const engine = scanner_->engine();
  std::erase_if(followed_, [&](const std::string& id) {
    if (applied.contains(id)) return false;
    if (auto measured = engine->MeasuredOf(id)) final_measurements_[id] = *std::move(measured);
    engine->Unfollow(id);
    return true;
  });
  std::erase_if(final_measurements_,
                [&](const auto& entry) { return !reported.contains(entry.first); });
  if (book_ == nullptr) return;
  for (OrderBook::Followed& order : book_->followed()) {
    if (!applied.contains(order.order_id) || !followed_.insert(order.order_id).second) continue;
    engine->Follow({.order_id = std::move(order.order_id),
                    .targets = std::move(order.targets),
                    .held_back = std::move(order.held_back),
                    .applied = order.applied,
                    .netns_cookie = order.netns_cookie});
  }
}

void OrderDesk::CountChanges(const std::vector<v1::OrderReport>& reports, bool count) {
  std::map<std::string, v1::Order::State> states;
  counts_.live = 0;
  for (const v1::OrderReport& report : reports) {
    states[report.order_id()] = report.state();
    if (report.state() == v1::Order::STATE_APPLIED) ++counts_.live;
    const auto known = known_states_.find(report.order_id());
    if (!count || (known != known_states_.end() && known->second == report.state())) continue;
    ++counts_.by_state[report.state()];
    Log(LogLevel::kInfo, Word(report.state()),
        {{"order", report.order_id()},
         {"targets", absl::StrCat(report.targets_size())},
         {"reason", report.reason()}});
  }
  known_states_ = std::move(states);
  board_->SetOrders(counts_);
}

}  // namespace tcpmedic

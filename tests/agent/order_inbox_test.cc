#include "agent/order_inbox.h"

#include <gtest/gtest.h>

#include <thread>

namespace tcpmedic {
namespace {

v1::OrderSet SetOf(const std::string& id) {
  v1::OrderSet wishes;
  wishes.add_wishes()->mutable_order()->set_id(id);
  return wishes;
}

TEST(OrderInboxTest, TheNewestSetIsTakenOnce) {
  OrderInbox inbox;
  EXPECT_FALSE(inbox.Take().has_value());
  inbox.Offer(SetOf("o-1"));
  inbox.Offer(SetOf("o-2"));
  EXPECT_EQ(inbox.Take()->wishes(0).order().id(), "o-2");
  EXPECT_FALSE(inbox.Take().has_value());
}

TEST(OrderInboxTest, SetWithoutWishesIsOneToo) {
  OrderInbox inbox;
  inbox.Offer(v1::OrderSet());
  inbox.Wait(absl::InfiniteDuration());
  EXPECT_TRUE(inbox.Take().has_value());
}

TEST(OrderInboxTest, OfferWakesWhoWaits) {
  OrderInbox inbox;
  std::thread waiter([&] { inbox.Wait(absl::InfiniteDuration()); });
  inbox.Offer(SetOf("o-1"));
  waiter.join();
}

TEST(OrderInboxTest, InterruptWakesWhoWaitsAndWhoWillWait) {
  OrderInbox inbox;
  std::thread waiter([&] { inbox.Wait(absl::InfiniteDuration()); });
  inbox.Interrupt();
  waiter.join();
  inbox.Wait(absl::InfiniteDuration());
}

}  // namespace
}  // namespace tcpmedic

#include "controller/order/wish_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace tcpmedic {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Order Of(const std::string& host, const std::string& id, v1::Order::State state) {
  v1::Order order;
  order.set_id(id);
  order.mutable_selector()->set_host(host);
  order.set_state(state);
  order.set_reported(state);
  return order;
}

std::vector<std::string> Words(const v1::OrderSet& set) {
  std::vector<std::string> words;
  for (const v1::OrderWish& wish : set.wishes()) {
    words.push_back(absl::StrCat(wish.order().id(), " ", v1::OrderWish::Wish_Name(wish.wish()), " ",
                                 v1::Order::State_Name(wish.stored())));
  }
  return words;
}

v1::Report Mentioning(const std::string& id, v1::Order::State state) {
  v1::Report report;
  report.add_orders()->set_order_id(id);
  report.mutable_orders(0)->set_state(state);
  return report;
}

TEST(WishBoard, WishesOfOneHostAreThoseOfItsOwnOrders) {
  const v1::Order mine = Of("web1", "o-2", v1::Order::STATE_APPLIED);
  const v1::Order older = Of("web1", "o-1", v1::Order::STATE_COMMITTED);
  const v1::Order over = Of("web1", "o-0", v1::Order::STATE_ENDED);
  const v1::Order theirs = Of("web2", "o-3", v1::Order::STATE_APPLIED);
  EXPECT_THAT(Words(WishBoard().WishesFor("web1", {&mine, &older, &over, &theirs})),
              ElementsAre("o-1 WISH_COMMIT STATE_COMMITTED", "o-2 WISH_APPLY STATE_APPLIED"));
}

TEST(WishBoard, HowAnOrderEndedIsAnsweredAsLongAsItIsRepeated) {
  const v1::Order over = Of("web1", "o-1", v1::Order::STATE_ROLLED_BACK);
  WishBoard board;
  board.Hear("web1", Mentioning("o-1", v1::Order::STATE_ROLLED_BACK));
  EXPECT_THAT(Words(board.WishesFor("web1", {&over})),
              ElementsAre("o-1 WISH_UNSPECIFIED STATE_ROLLED_BACK"));
  board.Hear("web1", v1::Report());
  EXPECT_THAT(Words(board.WishesFor("web1", {&over})), IsEmpty());
}

TEST(WishBoard, AnOrderThatIsNotKnownIsAnsweredAndLeftToItsDeadline) {
  WishBoard board;
  board.Hear("web1", Mentioning("o-9", v1::Order::STATE_COMMITTED));
  EXPECT_THAT(Words(board.WishesFor("web1", {})),
              ElementsAre("o-9 WISH_UNSPECIFIED STATE_COMMITTED"));
  board.Hear("web1", Mentioning("o-9", v1::Order::STATE_APPLIED));
  EXPECT_THAT(Words(board.WishesFor("web1", {})), IsEmpty());
}

TEST(WishBoard, WhatAnAgentRepeatsIsAnsweredThoughItHasBeenTold) {
  const v1::Order order = Of("web1", "o-1", v1::Order::STATE_COMMITTED);
  WishBoard board;
  EXPECT_TRUE(board.TellAnew("web1", board.WishesFor("web1", {&order})));
  // It has changed the sockets that were held back.
  board.Hear("web1", Mentioning("o-1", v1::Order::STATE_COMMITTED));
  EXPECT_TRUE(board.TellAnew("web1", board.WishesFor("web1", {&order})));
  board.Hear("web1", v1::Report());
  EXPECT_FALSE(board.TellAnew("web1", board.WishesFor("web1", {&order})));
}

TEST(WishBoard, TheSameWishesAreNewsOnlyToANewStream) {
  const v1::Order order = Of("web1", "o-1", v1::Order::STATE_APPLIED);
  WishBoard board;
  EXPECT_FALSE(board.TellAnew("web1", board.WishesFor("web1", {})));
  const v1::OrderSet wishes = board.WishesFor("web1", {&order});
  EXPECT_TRUE(board.TellAnew("web1", wishes));
  EXPECT_FALSE(board.TellAnew("web1", wishes));
  board.Begin("web1");
  EXPECT_TRUE(board.TellAnew("web1", wishes));
  EXPECT_TRUE(board.TellAnew("web1", v1::OrderSet()));
}

}  // namespace
}  // namespace tcpmedic

#include "cli/watch_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/examples.h"

namespace tcpmedic::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::WatchEvent Event(v1::IncidentView view, const std::string& id, int64_t opened_at = 0) {
  v1::WatchEvent event;
  *event.mutable_incident() = std::move(view);
  event.mutable_incident()->mutable_incident()->set_id(id);
  if (opened_at != 0) {
    event.mutable_incident()->mutable_incident()->mutable_opened_at()->set_seconds(opened_at);
  }
  return event;
}

v1::WatchEvent Synced() {
  v1::WatchEvent event;
  event.set_synced(true);
  return event;
}

std::vector<std::string> Ids(const WatchState& state, int max_closed = 10) {
  std::vector<std::string> ids;
  const v1::ListIncidentsResponse incidents = state.Incidents(max_closed);
  for (const auto& view : incidents.incidents()) ids.push_back(view.incident().id());
  return ids;
}

TEST(WatchState, OpenOnesComeFirstNewestFirst) {
  WatchState state;
  state.BeginStream();
  state.Apply(Event(PinnedCwndRejected(), "closed", 300));
  state.Apply(Event(PinnedCwndProposed(), "older", 100));
  state.Apply(Event(PinnedCwndProposed(), "newer", 200));
  EXPECT_THAT(Ids(state), ElementsAre("newer", "older", "closed"));
  EXPECT_THAT(Ids(state, 0), ElementsAre("newer", "older"));
  EXPECT_EQ(state.open(), 2);
}

TEST(WatchState, OnlyANewTimelineEntryIsNews) {
  WatchState state;
  state.BeginStream();
  EXPECT_TRUE(state.Apply(Event(PinnedCwndProposed(), "a")));
  EXPECT_FALSE(state.Apply(Event(PinnedCwndProposed(), "a")));
  EXPECT_TRUE(state.Apply(Event(PinnedCwndRejected(), "a")));
}

TEST(WatchState, AReconnectRepeatsNothing) {
  WatchState state;
  state.BeginStream();
  state.Apply(Event(PinnedCwndProposed(), "a"));
  state.Apply(Synced());
  state.BeginStream();
  EXPECT_FALSE(state.synced());
  EXPECT_FALSE(state.Apply(Event(PinnedCwndProposed(), "a")));
  state.Apply(Synced());
  EXPECT_TRUE(state.synced());
  EXPECT_THAT(Ids(state), ElementsAre("a"));
}

TEST(WatchState, WhatClosedWhileTheControllerWasAwayIsForgotten) {
  WatchState state;
  state.BeginStream();
  state.Apply(Event(PinnedCwndProposed(), "a"));
  state.Apply(Synced());
  state.BeginStream();
  state.Apply(Synced());
  EXPECT_THAT(Ids(state), IsEmpty());
}

}  // namespace
}  // namespace tcpmedic::cli

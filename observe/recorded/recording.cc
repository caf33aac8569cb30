#include "observe/recorded/recording.h"

#include "absl/strings/str_cat.h"

namespace tcpmedic {

std::string PlaceText(const Place& place) {
  return place.line == 0 ? place.input : absl::StrCat(place.input, ":", place.line);
}

}  // namespace tcpmedic

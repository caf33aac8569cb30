// The sequence numbers of one tcpdump's text made absolute, by the bases that tcpdump itself keeps.
// Pure; not thread-safe; memory is bounded.
//
// print-tcp.c (4.99), without -S: what has no ACK flag is printed as it is. The first segment of a
// connection that has one, and every SYN-ACK, is printed as it is too, and sets the bases: its seq,
// and its ack less one. After that seq, ack and SACK blocks are printed less their base. So are the
// SACK blocks of that first segment. Where that segment has no seq to print, and the SYN before it
// is the sender's (a capture of one direction), it is the ACK that ends the handshake: its seq
// follows.
#ifndef TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_NUMBERS_H_
#define TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_NUMBERS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "core/ip_address.h"
#include "observe/capture/segment.h"

namespace tcpmedic {

class TcpdumpNumbers {
 public:
  // The two ends, the smaller first: one connection has one key.
  struct Ends {
    IpAddress a, b;
    uint16_t a_port = 0, b_port = 0;

    auto operator<=>(const Ends&) const = default;
    template <typename H>
    friend H AbslHashValue(H h, const Ends& ends) {
      return H::combine(std::move(h), ends.a, ends.b, ends.a_port, ends.b_port);
    }
  };
  static Ends EndsOf(const CapturedSegment& segment);

  // What the numbers of a segment are, as far as its connection's past tells.
  enum class Meaning : uint8_t {
    kAsPrinted,  // absolute
    kBare,       // without ACK flag: absolute, but of no use beside numbers without a base
    kFirst,      // sets the bases; absolute, but for its SACK blocks
    kLater,      // relative, unless -S was given
  };

  // The next segment of the text, its numbers as printed.
  Meaning Observe(const CapturedSegment& segment);

  // Whether Resolve knows enough for it; if not, later segments of the same ends may tell.
  bool Resolvable(Meaning meaning, const CapturedSegment& segment) const;
  // Settles the connection by what held for the one decided last, else by what tcpdump does
  // without -S.
  void Decide(const Ends& ends);
  // Makes the numbers of `segment` absolute, or marks it `relative`.
  void Resolve(Meaning meaning, CapturedSegment* segment) const;

 private:
  enum class Mode : uint8_t { kUndecided, kAbsolute, kRelative };
  struct Connection {
    Mode mode = Mode::kUndecided;
    bool has_bases = false;  // until then only SYNs were seen
    // By sender: 0 is `a`.
    std::array<std::optional<uint32_t>, 2> base;
    std::array<std::optional<uint32_t>, 2> after_syn;  // the number after that of its SYN
    std::array<uint32_t, 2> last{};                    // the last relative number of each sender
  };

  const Connection* Find(const Ends& ends) const;  // null too while it has no bases
  Connection* FindYoung(const Ends& ends);         // out of the old generation, if it is there
  Connection& Insert(const Ends& ends, Connection connection);
  // By which reading `printed`, a number of `sender`'s, continues its numbers so far.
  void Vote(int sender, uint32_t printed, Connection* connection);

  // Two generations: when the young one is full it becomes the old one, which is dropped. What was
  // seen of late is in one of them.
  static constexpr size_t kGeneration = 50'000;
  absl::flat_hash_map<Ends, Connection> young_, old_;
  bool dropped_ = false;
  Mode last_mode_ = Mode::kUndecided;
};

}  // namespace tcpmedic

#endif  // TCPMEDIC_OBSERVE_CAPTURE_TCPDUMP_NUMBERS_H_

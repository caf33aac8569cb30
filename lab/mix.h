// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): consecutive inputs give
// independent-looking outputs. What the lab draws by chance is a function of a seed and a number.
#ifndef TCPMEDIC_LAB_MIX_H_
#define TCPMEDIC_LAB_MIX_H_

#include <cstdint>

namespace tcpmedic::lab {

inline uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace tcpmedic::lab

#endif  // TCPMEDIC_LAB_MIX_H_

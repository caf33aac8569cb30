// Counts every allocation of the program that this is linked into: its own, operator new's and its
// libraries'. It replaces malloc, as the sanitizers do: leave such a test out of their builds.
// Thread-safe.
#ifndef TCPMEDIC_TESTS_SUPPORT_ALLOCATION_COUNT_H_
#define TCPMEDIC_TESTS_SUPPORT_ALLOCATION_COUNT_H_

#include <cstdint>

namespace tcpmedic {

// Since the program began; subtract an earlier count.
int64_t AllocationCount();

}  // namespace tcpmedic

#endif  // TCPMEDIC_TESTS_SUPPORT_ALLOCATION_COUNT_H_

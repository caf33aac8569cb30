#include "tests/support/allocation_count.h"

#include <atomic>
#include <cstddef>

namespace {

std::atomic<int64_t> allocations{0};

}  // namespace

// glibc's allocator under its other names; operator new and every library come through here.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  ++allocations;
  return __libc_realloc(old, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
}

namespace tcpmedic {

int64_t AllocationCount() { return allocations; }

}  // namespace tcpmedic

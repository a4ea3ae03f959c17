// Reading mapped memory that may vanish: whoever shortens a mapped file takes the pages behind its new end away, and a
// reader gets SIGBUS.
//
//   std::int64_t offset = 0;
//   if (!os::guarded([&] { offset = first_offset(mapped); })) return kGone;
//
// `fn` reads, computes, and writes plain values. A read that fails leaves it by a jump, with all that called that read, so
// that none of them may hold a lock then or own an object whose destructor does something. What was written before stays
// written: judge it by the result.
//
// Cost      a few stores; no system call. The first use in the process installs the handler.
// Thread    any, each guards its own reads; guards may be nested. A SIGBUS outside of a guard ends the process as ever.
// Source    sigaction(2), sigsetjmp(3), mmap(2).
#pragma once

#include <type_traits>

namespace sluice::os {

// false: the memory that `fn` read was gone, or its disk could not be read.
bool guarded_call(void (*fn)(void*), void* argument) noexcept;

template <typename Fn>
bool guarded(Fn&& fn) noexcept {
  return guarded_call([](void* self) { (*static_cast<std::remove_reference_t<Fn>*>(self))(); },
                      const_cast<void*>(static_cast<const volatile void*>(&fn)));
}

}  // namespace sluice::os

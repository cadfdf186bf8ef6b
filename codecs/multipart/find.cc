#include "codecs/multipart/find.h"

#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hilum::multipart {
namespace {

size_t FindByLibrary(Bytes text, Bytes wanted, size_t from) {
  const void* hit = memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
  return hit == nullptr ? Bytes::npos : static_cast<size_t>(static_cast<const char*>(hit) - text.data());
}

#if defined(__x86_64__)

// Of 32 places those where both bytes follow each other. REQUIRES: 33 bytes.
__attribute__((target("avx2"))) __m256i Pairs(const char* text, __m256i first, __m256i second) {
  const auto* vectors = reinterpret_cast<const __m256i*>(text);
  const auto* behind = reinterpret_cast<const __m256i*>(text + 1);
  return _mm256_and_si256(_mm256_cmpeq_epi8(first, _mm256_loadu_si256(vectors)),
                          _mm256_cmpeq_epi8(second, _mm256_loadu_si256(behind)));
}

// Looks at 64 places at a time for the first two bytes, which takes a third of the time of memmem: that goes on in
// steps no longer than what is wanted.
__attribute__((target("avx2"))) size_t FindByPairs(Bytes text, Bytes wanted) {
  constexpr size_t kStep = 64;
  const __m256i first = _mm256_set1_epi8(wanted[0]);
  const __m256i second = _mm256_set1_epi8(wanted[1]);
  size_t at = 0;
  for (; at + kStep < text.size(); at += kStep) {
    const __m256i low = Pairs(text.data() + at, first, second);
    const __m256i high = Pairs(text.data() + at + kStep / 2, first, second);
    const __m256i any = _mm256_or_si256(low, high);
    if (_mm256_testz_si256(any, any)) continue;
    uint64_t places = static_cast<uint32_t>(_mm256_movemask_epi8(high));
    places = places << 32 | static_cast<uint32_t>(_mm256_movemask_epi8(low));
    for (; places != 0; places &= places - 1) {
      const size_t place = at + static_cast<size_t>(std::countr_zero(places));
      if (text.substr(place).starts_with(wanted)) return place;
    }
  }
  return FindByLibrary(text, wanted, at);
}

#endif

}  // namespace

size_t Find(Bytes text, Bytes wanted) {
  assert(wanted.size() >= 2);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return FindByPairs(text, wanted);
#endif
  return FindByLibrary(text, wanted, 0);
}

}  // namespace hilum::multipart

// Whether this is built for the address or the thread sanitizer, which need system calls and memory of their own.
#pragma once

namespace hilum {

// GCC says it by macros, clang by features.
#if defined(__has_feature)
#define HILUM_HAS_FEATURE(feature) __has_feature(feature)
#else
#define HILUM_HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HILUM_HAS_FEATURE(address_sanitizer) || \
    HILUM_HAS_FEATURE(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#undef HILUM_HAS_FEATURE

}  // namespace hilum

#include "codecs/pixel/colour_space.h"

#include <lcms2.h>

#include <algorithm>
#include <memory>

namespace hilum::pixel {
namespace {

constexpr size_t kMaxProfileBytes = 16 << 20;
constexpr size_t kPixelsAtOnce = 1 << 20;  // the library counts them in 32 bits

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
struct DeleteTransform {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};
using Profile = std::unique_ptr<void, CloseProfile>;

Profile Open(Bytes profile) {
  return Profile(cmsOpenProfileFromMem(profile.data(), static_cast<cmsUInt32Number>(profile.size())));
}

}  // namespace

Status ConvertColours(Bytes profile, ColourSpace space, std::span<char> rgb) {
  if (profile.size() > kMaxProfileBytes) return LimitExceeded("colour profile: it has more bytes than any real one");
  const std::string target = ProfileOf(space);
  const Profile from = Open(profile), to = Open(target);
  if (!from || cmsGetColorSpace(from.get()) != cmsSigRgbData) return Invalid("colour profile: it is none of RGB");
  const std::unique_ptr<void, DeleteTransform> transform(
      cmsCreateTransform(from.get(), TYPE_RGB_8, to.get(), TYPE_RGB_8, INTENT_PERCEPTUAL, 0));
  if (!transform) return Invalid("colour profile: it leads from RGB to no colours");
  for (size_t at = 0; at < rgb.size(); at += kPixelsAtOnce * 3) {
    const std::span<char> piece = rgb.subspan(at, std::min(kPixelsAtOnce * 3, rgb.size() - at));
    cmsDoTransform(transform.get(), piece.data(), piece.data(), static_cast<cmsUInt32Number>(piece.size() / 3));
  }
  return Status::Ok();
}

}  // namespace hilum::pixel

// Pictures of all instances of a series or study (PS3.18 10.4.1.1.3).
#include "server/dicomweb/rendered.h"

namespace hilum::dicomweb {

Result<std::string> PictureService::FileOfOneOfMany(const Found& found, const std::string& study,
                                                    const Rendering& rendering, Room* room) {
  const auto picture = [&]() -> Result<std::string> {
    Subject subject{.image = found};
    HILUM_RETURN_IF_ERROR(FollowState(study, &subject));
    if (rendering.state && !subject.state) HILUM_RETURN_IF_ERROR(ApplyState(study, *rendering.state, &subject));
    HILUM_ASSIGN_OR_RETURN(Opened opened, Open(&subject));
    // A state that was asked for says nothing about the other images.
    if (opened.state && !opened.state->For(subject.image.row.uid, subject.frame)) opened.state.reset();
    std::string warning;
    return FileOf(subject, opened, rendering, room, &warning);
  };
  auto made = picture();
  const Code code = made.status().code();
  if (made.ok() || code == Code::kCancelled || code == Code::kUnavailable) return made;
  // One that is damaged must not hide the others.
  HILUM_ASSIGN_OR_RETURN(const Shot page, Page({.image = found}, rendering, Code::kNotFound));
  return Encoded(page.picture, rendering.options);
}

Status PictureService::SendPictureOfEach(const std::vector<Found>& instances, const std::string& study,
                                         const Rendering& rendering,
                                         const std::function<std::string(const Found&)>& url_of, http::Headers headers,
                                         http::Responder& responder) {
  const std::string type(*headers.First("Content-Type"));
  multipart::Writer writer(random_);
  headers.Set("Content-Type", writer.ContentType(type));
  Room room;
  for (const Found& found : instances) {
    HILUM_ASSIGN_OR_RETURN(const std::string file, FileOfOneOfMany(found, study, rendering, &room));
    if (!responder.started()) HILUM_RETURN_IF_ERROR(responder.Head(200, headers, std::nullopt));
    if (!responder.wants_body()) break;
    // What was begun waits for no room.
    if (!room) room = std::make_unique<MemoryAllowance::Share>(&memory_.allowance);
    HILUM_RETURN_IF_ERROR(
        responder.Write(writer.PartHead({{"Content-Type", type}, {"Content-Location", url_of(found)}})));
    HILUM_RETURN_IF_ERROR(responder.Write(file));
  }
  if (responder.wants_body()) HILUM_RETURN_IF_ERROR(responder.Write(writer.End()));
  responder.CountUnsent(std::move(room));
  return responder.Finish();
}

}  // namespace hilum::dicomweb

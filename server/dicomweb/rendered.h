// WADO-RS: rendered resources and thumbnails (PS3.18 10.4.1.1.3, 8.3.5). Safe for concurrent use; what is passed by
// reference outlives it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "codecs/pixel/codec.h"
#include "codecs/pixel/presentation_state.h"
#include "codecs/pixel/text_painter.h"
#include "server/dicomweb/cine.h"
#include "server/dicomweb/codec_failures.h"
#include "server/dicomweb/made_memory.h"
#include "server/dicomweb/options.h"
#include "server/dicomweb/picture_cache.h"
#include "server/dicomweb/rendering.h"
#include "server/dicomweb/resource.h"
#include "server/dicomweb/selection.h"
#include "server/dicomweb/stored_image.h"
#include "server/http/http.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

class PictureService {
 public:
  PictureService(storage::Store& store, pixel::FrameCodec& codec, Random& random, CodecFailures& failures,
                 MadeMemory& memory, const ServiceOptions& options);

  // Of a resource that is rendered, or a thumbnail.
  Status Retrieve(http::Request& request, const Resource& resource, const QueryParameters& query,
                  http::Responder& responder);
  // Makes the default thumbnail of a series or study ready, if it is not.
  Status Prepare(const Resource& resource);

 private:
  using Room = std::unique_ptr<MemoryAllowance::Share>;
  // What a picture is of.
  struct Subject {
    Found image;
    uint32_t frame = 0;          // from 0
    std::optional<Found> state;  // a presentation state to be applied
    std::string version;         // changes when any of these does
  };
  Result<Subject> FindSubject(const Resource& resource, const Selection& selection) const;
  // Of a presentation state: the first frame of the first image it is about, and the state. Without that image it stays
  // an object without pixels; what is no state stays what it is.
  Status FollowState(const std::string& study, Subject* subject) const;
  Status FindImageOf(const std::string& study, Subject* subject) const;
  Status ApplyState(const std::string& study, const StateName& name, Subject* subject) const;

  // In one of its readable types `documents`, if it has any, or as a picture. kNotFound, and nothing sent, for a
  // document that is not there.
  Status Answer(http::Request& request, const Resource& resource, const QueryParameters& query,
                const Selection& selection, Subject subject, const std::vector<std::string>& documents,
                http::Responder& responder);

  struct Shot {
    pixel::Picture picture;
    std::string warning;  // what is not as it was asked for
    uint32_t frames = 1;  // of the image
  };
  // The files of a subject, for all frames that an answer shows: each is found once, and stays what it was although it
  // is deleted or moved meanwhile.
  struct Opened {
    std::optional<StoredImage> image;
    Code no_picture = Code::kOk;  // why there is no image
    std::optional<pixel::PresentationState> state;
  };
  Result<Opened> Open(Subject* subject);
  // What stands for a subject that has no picture, because of `reason`. kNotFound for a frame that there is not.
  Result<Shot> Page(const Subject& subject, const Rendering& rendering, Code reason) const;
  // Of its frame, with all that `rendering` asks for. `room`, for one picture, is taken unless it is there.
  Result<Shot> Take(const Subject& subject, const Opened& opened, Rendering rendering, Room* room);
  Result<std::string> FileOf(const Subject& subject, const Opened& opened, const Rendering& rendering, Room* room,
                             std::string* warning);
  Result<std::string> Encoded(const pixel::Picture& picture, const pixel::RenderOptions& options);
  Status SendPicture(Subject subject, const Rendering& rendering, http::Headers headers, http::Responder& responder);
  // A GIF that moves, where the image has several frames.
  Status SendCine(Subject subject, Rendering rendering, http::Headers headers, http::Responder& responder);
  // One window for all frames that have none.
  void ChooseWindowOfCine(const Subject& subject, const Opened& opened, Rendering* rendering);
  // Of the frames, counted from 1, with `rendering` each, in parts; `url_of`: where one is had alone.
  Status SendPictures(Subject subject, const std::vector<uint32_t>& frames, const Rendering& rendering,
                      const std::function<std::string(uint32_t)>& url_of, http::Headers headers,
                      http::Responder& responder);
  // One of every instance of a series or study, in parts.
  Status SendPictureOfEach(const std::vector<Found>& instances, const std::string& study, const Rendering& rendering,
                           const std::function<std::string(const Found&)>& url_of, http::Headers headers,
                           http::Responder& responder);
  Result<std::string> FileOfOneOfMany(const Found& found, const std::string& study, const Rendering& rendering,
                                      Room* room);

  Result<std::string> MakeThumbnail(const Found& found, uint32_t frame, uint32_t size, pixel::PictureType type);
  // From the cache, or made and put there.
  Result<std::shared_ptr<const std::string>> ReadyThumbnail(const Found& found, uint32_t frame, uint32_t size,
                                                            pixel::PictureType type);
  // False when there is nothing ready to answer with and nothing was sent.
  Result<bool> SendReadyThumbnail(const http::Request& request, const Resource& resource, const QueryParameters& query,
                                  http::Responder& responder);
  // `level_key`: where one of default form is to be kept for the whole series or study; empty: nowhere.
  Status SendThumbnail(const Subject& subject, const pixel::RenderOptions& options, bool one_of_many,
                       const std::string& level_key, http::Headers headers, http::Responder& responder);

  storage::Store& store_;
  pixel::FrameCodec& codec_;
  Random& random_;
  CodecFailures& failures_;
  MadeMemory& memory_;
  const ServiceOptions& options_;
  std::unique_ptr<pixel::TextPainter> painter_;  // null: without fonts
  PictureCache thumbnails_;
};

}  // namespace hilum::dicomweb

#include "server/dicomweb/rendered.h"

#include <algorithm>

#include "base/text.h"
#include "codecs/pixel/gif.h"
#include "codecs/pixel/presentation_state.h"
#include "server/dicomweb/annotation.h"
#include "server/dicomweb/documents.h"
#include "server/dicomweb/frame_source.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/refusal.h"

namespace hilum::dicomweb {
namespace {

constexpr uint32_t kDefaultThumbnail = 128, kMaxThumbnail = 1024;
constexpr uint32_t kRenderedPage = 512;
// Begins the entity tags of pictures and readable documents. The number grows with what becomes of the same bytes: who
// kept what an older release made of them is sent the new.
constexpr char kTagPrefix[] = "\"r3";
constexpr uint32_t kMostOfCine = 2000;  // frames of a moving picture: a minute and more

// Of the types one URL has, as part of an entity tag.
const char* KindOf(pixel::PictureType type) {
  switch (type) {
    case pixel::PictureType::kJpeg:
      return "";
    case pixel::PictureType::kPng:
      return "p";
    case pixel::PictureType::kGif:
      return "g";
    case pixel::PictureType::kJp2:
      return "j";
  }
  return "";
}

// What tells versions of an instance apart, as part of an entity tag.
std::string InstanceTag(const Found& found) {
  return std::to_string(found.doc) + "." + std::to_string(found.row.version) + "-";
}

// Pictures that stand for a whole series or study are found by its tag.
std::string LevelThumbnailKey(const std::string& tag) {
  return "level" + tag;
}

// Whether no picture can be made of an instance, whole as it may be: it has no pixels, or some of a kind that is not
// known here. A page stands for it then.
bool HasNoPicture(const Status& status) {
  return status.code() == Code::kNotFound || status.code() == Code::kUnsupported;
}

// Of what has no picture the page is that of every frame there is: those it speaks of, or one.
Status CheckPageFrame(const storage::InstanceRow& row, uint32_t frame) {
  const std::string_view told = storage::FirstValue(row.attributes, dicom::tags::kNumberOfFrames);
  const uint32_t frames = dicom::IsVideo(row.transfer_syntax) ? 1 : ParseDecimal<uint32_t>(told).value_or(1);
  if (frame < std::max(frames, 1u)) return Status::Ok();
  return NotFound("instance " + row.uid + " has no frame " + std::to_string(uint64_t{frame} + 1));
}

// A document as a small picture: a page with lines of text.
pixel::Picture PageIcon(uint32_t size) {
  pixel::Picture picture{size, size, 1, 8, std::string(static_cast<size_t>(size) * size, '\x30')};
  const auto fill = [&](double left, double top, double right, double bottom, char value) {
    for (auto y = static_cast<uint32_t>(top * size); y < static_cast<uint32_t>(bottom * size); ++y)
      for (auto x = static_cast<uint32_t>(left * size); x < static_cast<uint32_t>(right * size); ++x)
        picture.samples[static_cast<size_t>(y) * size + x] = value;
  };
  fill(0.22, 0.12, 0.78, 0.88, '\xE8');
  for (int line = 0; line < 6; ++line)
    fill(0.30, 0.24 + 0.1 * line, line == 5 ? 0.52 : 0.70, 0.27 + 0.1 * line, '\x80');
  return picture;
}

// Of colours that come without a profile, sRGB is said.
std::string WarningFor(const Rendering& rendering, const pixel::Picture& picture) {
  if (rendering.options.sixteen_bits && picture.bits != 16)
    return "depth: pictures in colour, and pages in place of pictures, have 8 bits";
  if (!rendering.wants_profile) return "";
  if (picture.channels != 3) return "iccprofile: the picture is grey and has no profile of colours";
  const auto& space = rendering.options.space;
  if (!space || picture.icc_profile == pixel::ProfileOf(*space)) return "";
  return "iccprofile: the colours could not be converted, the profile is that of the image";
}

uint32_t PageSize(const pixel::RenderOptions& options, uint32_t usual) {
  const uint32_t wanted = options.viewport ? std::min(options.viewport->width, options.viewport->height) : usual;
  return std::min(wanted, kMaxThumbnail);
}

// For who takes none of `types`.
std::string WhatCanBeHad(bool thumbnail, bool document, bool several, const std::vector<std::string>& types) {
  const std::string of = thumbnail  ? "thumbnails can be had as "
                         : document ? "this instance can be had as "
                         : several  ? "pictures of several frames can be had as multipart/related; type="
                                    : "pictures can be had as ";
  return of + Listed(types);
}

}  // namespace

PictureService::PictureService(storage::Store& store, pixel::FrameCodec& codec, Random& random, CodecFailures& failures,
                               MadeMemory& memory, const ServiceOptions& options)
    : store_(store),
      codec_(codec),
      random_(random),
      failures_(failures),
      memory_(memory),
      options_(options),
      thumbnails_(options.thumbnail_cache_bytes) {
  auto painter = pixel::TextPainter::Open(options_.fonts);
  if (painter.ok()) painter_ = *std::move(painter);
}

Result<std::string> PictureService::MakeThumbnail(const Found& found, uint32_t frame, uint32_t size,
                                                  pixel::PictureType type) {
  Found now = found;
  const auto image = StoredImage::Open(store_, &now, options_.ingest.limits);
  Status status = image.status();
  if (status.ok()) {
    const pixel::Instance& instance = **image;
    if (frame >= instance.frames()) return NoSuchFrame(instance, frame);
    HILUM_RETURN_IF_ERROR(image->Check(frame));
    const pixel::RenderOptions options = pixel::ThumbnailOptions(instance, size, type);
    HILUM_ASSIGN_OR_RETURN(const uint64_t bytes, pixel::RenderingMemory(instance, options));
    HILUM_ASSIGN_OR_RETURN(const Room room, memory_.ForFrame(bytes));
    auto thumbnail = pixel::Render(instance, frame, options, codec_);
    if (!HasNoPicture(thumbnail.status())) return thumbnail;
    status = thumbnail.status();
  }
  if (!HasNoPicture(status)) return status;
  HILUM_RETURN_IF_ERROR(CheckPageFrame(found.row, frame));
  return Encoded(PageIcon(size), {.type = type});
}

Result<std::string> PictureService::Encoded(const pixel::Picture& picture, const pixel::RenderOptions& options) {
  return pixel::EncodePicture(picture, options.type, options.jpeg_quality, codec_);
}

Result<PictureService::Shot> PictureService::Page(const Subject& subject, const Rendering& rendering,
                                                  Code reason) const {
  HILUM_RETURN_IF_ERROR(CheckPageFrame(subject.image.row, subject.frame));
  Shot page{.picture = PageIcon(PageSize(rendering.options, kRenderedPage))};
  const bool of_pixels = reason == Code::kUnsupported && !dicom::IsVideo(subject.image.row.transfer_syntax);
  page.warning = of_pixels ? "no picture can be made of these pixels: a page stands for them"
                           : WarningFor(rendering, page.picture);
  return page;
}

Result<PictureService::Opened> PictureService::Open(Subject* subject) {
  Found& found = subject->image;
  Opened opened;
  auto image = StoredImage::Open(store_, &found, options_.ingest.limits);
  if (!image.ok()) {
    if (!HasNoPicture(image.status())) return failures_.Tell(image.status(), found.row.uid);
    opened.no_picture = image.status().code();
    return opened;
  }
  opened.image.emplace(*std::move(image));
  if (!subject->state) return opened;
  HILUM_ASSIGN_OR_RETURN(const Mapping state_file, MapObject(store_, &*subject->state));
  HILUM_ASSIGN_OR_RETURN(opened.state, pixel::PresentationState::Read(state_file.bytes(), options_.ingest.limits));
  return opened;
}

Result<PictureService::Shot> PictureService::Take(const Subject& subject, const Opened& opened, Rendering rendering,
                                                  Room* room) {
  const std::string& uid = subject.image.row.uid;
  const uint32_t frame = subject.frame;
  if (!opened.image) return Page(subject, rendering, opened.no_picture);
  const pixel::Instance& image = **opened.image;
  if (frame >= image.frames()) return NoSuchFrame(image, frame);
  HILUM_RETURN_IF_ERROR(opened.image->Check(frame));
  std::optional<pixel::Presentation> presentation;
  if (opened.state) {
    presentation = opened.state->For(uid, frame);
    if (!presentation)
      return Invalid("the presentation state " + subject.state->row.uid + " is not about this frame of " + uid);
    rendering.options.presentation = &*presentation;
    rendering.options.painter = painter_.get();
  }
  HILUM_ASSIGN_OR_RETURN(const uint64_t bytes, pixel::RenderingMemory(image, rendering.options));
  if (!*room) {
    HILUM_ASSIGN_OR_RETURN(*room, memory_.ForFrame(bytes));
  } else if (bytes > (*room)->held()) {
    // What was begun goes on; it counts as far as there is room.
    static_cast<void>((*room)->Grow(bytes - (*room)->held()));
  }
  auto picture = pixel::RenderPicture(image, frame, rendering.options, codec_);
  HILUM_RETURN_IF_ERROR(opened.image->file().Judge(Status::Ok()));  // it may have been checked long ago
  if (HasNoPicture(picture.status())) return Page(subject, rendering, picture.status().code());
  if (!picture.ok()) return failures_.Tell(picture.status(), uid);
  if ((rendering.patient || rendering.technique) && painter_) {
    HILUM_ASSIGN_OR_RETURN(const Annotation annotation,
                           MakeAnnotation(opened.image->file().bytes(), rendering.patient, rendering.technique, frame,
                                          options_.ingest.limits));
    Burn(annotation, *painter_, &*picture);
  }
  std::string warning = WarningFor(rendering, *picture);
  return Shot{.picture = *std::move(picture), .warning = std::move(warning), .frames = image.frames()};
}

Result<std::shared_ptr<const std::string>> PictureService::ReadyThumbnail(const Found& found, uint32_t frame,
                                                                          uint32_t size, pixel::PictureType type) {
  const std::string key = std::to_string(found.doc) + "." + std::to_string(found.row.version) + "." +
                          std::to_string(frame) + "." + std::to_string(size) + std::string(pixel::MediaType(type));
  if (auto picture = thumbnails_.Find(key)) return picture;
  auto made = MakeThumbnail(found, frame, size, type);
  if (made.status().code() == Code::kNotFound) return made.status();
  if (!made.ok()) return failures_.Tell(made.status(), found.row.uid);
  auto picture = std::make_shared<const std::string>(*std::move(made));
  thumbnails_.Add(key, picture);
  return picture;
}

Result<bool> PictureService::SendReadyThumbnail(const http::Request& request, const Resource& resource,
                                                const QueryParameters& query, http::Responder& responder) {
  if (resource.instance || !query.empty() ||
      Accepted(request, query).FirstOf(PictureTypes()) != pixel::MediaType(pixel::PictureType::kJpeg))
    return false;
  HILUM_ASSIGN_OR_RETURN(const std::string tag, SelectTag(store_.Read(), resource));
  const auto picture = thumbnails_.Find(LevelThumbnailKey(tag));
  if (!picture) return false;
  const std::string etag = kTagPrefix + tag.substr(1);
  http::Headers headers = {
      {"Content-Type", "image/jpeg"}, {"ETag", etag}, {"Cache-Control", "private, no-cache"}, {"Vary", "Accept"}};
  HILUM_ASSIGN_OR_RETURN(const bool answered, AnswerCondition(request, responder, headers));
  if (!answered) HILUM_RETURN_IF_ERROR(responder.Send(200, std::move(headers), *picture));
  return true;
}

Status PictureService::Prepare(const Resource& resource) {
  HILUM_ASSIGN_OR_RETURN(const Selection selection, Select(store_.Read(), resource));
  const std::string key = LevelThumbnailKey(selection.etag);
  if (selection.instances.empty() || thumbnails_.Find(key)) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const auto picture,
                         ReadyThumbnail(selection.Middle(), 0, kDefaultThumbnail, pixel::PictureType::kJpeg));
  thumbnails_.Add(key, picture);
  return Status::Ok();
}

Status PictureService::FollowState(const std::string& study, Subject* subject) const {
  if (!pixel::PresentationState::IsOne(subject->image.row.sop_class())) return Status::Ok();
  Status found = FindImageOf(study, subject);
  return found.code() == Code::kNotFound ? Status::Ok() : found;
}

Status PictureService::FindImageOf(const std::string& study, Subject* subject) const {
  Found& found = subject->image;
  HILUM_ASSIGN_OR_RETURN(const Mapping file, MapObject(store_, &found));
  HILUM_ASSIGN_OR_RETURN(const auto read, pixel::PresentationState::Read(file.bytes(), options_.ingest.limits));
  if (read.images().empty()) return NotFound("the presentation state " + found.row.uid + " refers to no image");
  const pixel::ReferencedImage& image = read.images().front();
  const storage::CatalogueReader reader = store_.Read();
  HILUM_ASSIGN_OR_RETURN(const std::optional<storage::Doc> doc,
                         reader.FindInstance({study, image.series_uid, image.sop_uid}));
  if (!doc) return NotFound("the image that the presentation state " + found.row.uid + " refers to is not here");
  HILUM_ASSIGN_OR_RETURN(storage::InstanceRow row, reader.Instance(*doc));
  subject->state = std::move(found);
  found = Found{*doc, image.series_uid, std::move(row)};
  if (!image.frames.empty()) subject->frame = image.frames.front() - 1;
  subject->version = InstanceTag(*subject->state) + InstanceTag(found) + subject->version;
  return Status::Ok();
}

Status PictureService::ApplyState(const std::string& study, const StateName& name, Subject* subject) const {
  Resource named{.what = Resource::What::kObject, .study = study};
  named.series = name.series;
  named.instance = name.instance;
  HILUM_ASSIGN_OR_RETURN(const Selection states, Select(store_.Read(), named));
  subject->state = states.instances.front();
  subject->version = InstanceTag(*subject->state) + subject->version;
  return Status::Ok();
}

Result<PictureService::Subject> PictureService::FindSubject(const Resource& resource,
                                                            const Selection& selection) const {
  if (selection.instances.empty()) return NotFound("there is nothing to render");
  Subject subject{.image = selection.Middle(), .version = selection.etag.substr(1)};
  if (!resource.frames.empty()) subject.frame = resource.frames.front() - 1;
  if (resource.what != Resource::What::kThumbnail) HILUM_RETURN_IF_ERROR(FollowState(*resource.study, &subject));
  return subject;
}

Status PictureService::Retrieve(http::Request& request, const Resource& resource, const QueryParameters& query,
                                http::Responder& responder) {
  const bool thumbnail = resource.what == Resource::What::kThumbnail;
  if (thumbnail) {
    HILUM_ASSIGN_OR_RETURN(const bool sent, SendReadyThumbnail(request, resource, query, responder));
    if (sent) return Status::Ok();
    if (resource.frames.size() > 1) return Invalid("a thumbnail is of one frame");
  }
  HILUM_ASSIGN_OR_RETURN(const Selection selection, Select(store_.Read(), resource));
  HILUM_ASSIGN_OR_RETURN(const Subject subject, FindSubject(resource, selection));
  // Documents and videos are rendered whole; a frame of them is a picture like any other.
  std::vector<std::string> documents;
  if (!thumbnail && resource.frames.empty()) documents = ReadableTypes(subject.image.row);
  Status status = Answer(request, resource, query, selection, subject, documents, responder);
  if (documents.empty() || status.code() != Code::kNotFound || responder.started()) return status;
  status.IgnoreError();  // the document is missing, which leaves the page
  return Answer(request, resource, query, selection, subject, {}, responder);
}

Status PictureService::Answer(http::Request& request, const Resource& resource, const QueryParameters& query,
                              const Selection& selection, Subject subject, const std::vector<std::string>& documents,
                              http::Responder& responder) {
  const bool thumbnail = resource.what == Resource::What::kThumbnail;
  std::vector<std::string> types = PictureTypes();
  types.insert(types.begin(), documents.begin(), documents.end());
  const bool several = resource.frames.size() > 1;
  const auto rendition = Accepted(request, query).Rendered(types, several);
  if (!rendition || (thumbnail && rendition->in_parts))
    return SendError(responder, request, 406, WhatCanBeHad(thumbnail, !documents.empty(), several, types));
  const std::string& type = rendition->media_type;
  HILUM_ASSIGN_OR_RETURN(Rendering rendering, ParseRendering(query, type));
  HILUM_RETURN_IF_ERROR(pixel::CheckWindow(rendering.options));
  rendering.options.sixteen_bits = rendition->sixteen_bits && !thumbnail;
  const bool document = std::ranges::find(documents, type) != documents.end();
  const bool of_each = rendition->in_parts && !resource.instance;
  const bool picture = !thumbnail && (documents.empty() || of_each);
  if (rendering.state && picture && (of_each || !subject.state))
    HILUM_RETURN_IF_ERROR(ApplyState(*resource.study, *rendering.state, &subject));
  if (of_each) {  // states show images of all the study
    HILUM_ASSIGN_OR_RETURN(const std::string tag, SelectTag(store_.Read(), {.study = resource.study}));
    subject.version = tag.substr(1);
  }
  if ((rendering.patient || rendering.technique) && picture && !painter_)
    rendering.warnings.push_back("annotations need a font: none of render.fonts can be read");

  // One URL gives pictures of several types: each is an entity of its own.
  const char* const kind = document                         ? (type == documents.front() ? "d" : "t")
                           : rendering.options.sixteen_bits ? "w"
                                                            : KindOf(rendering.options.type);
  std::string etag = std::string(kTagPrefix) + kind + subject.version;
  if (rendition->in_parts) etag = WeakTag(TagWithUrls(etag, options_.BaseUrl(request)));
  http::Headers headers = {
      {"Content-Type", type}, {"ETag", etag}, {"Cache-Control", "private, no-cache"}, {"Vary", "Accept"}};
  for (const std::string& warning : rendering.warnings) headers.Add("Warning", http::WarningOf(warning));
  HILUM_ASSIGN_OR_RETURN(const bool answered, AnswerCondition(request, responder, headers));
  if (answered) return Status::Ok();

  if (document)
    return SendReadable(store_, options_.ingest.limits, request, subject.image, type, std::move(headers), responder);
  if (thumbnail) {
    const bool of_level = !resource.instance && query.empty() && type == "image/jpeg";
    return SendThumbnail(subject, rendering.options, !resource.instance.has_value(),
                         of_level ? LevelThumbnailKey(selection.etag) : "", std::move(headers), responder);
  }
  if (!rendition->in_parts && rendering.options.type == pixel::PictureType::kGif && resource.frames.empty())
    return SendCine(std::move(subject), rendering, std::move(headers), responder);
  if (!rendition->in_parts) return SendPicture(std::move(subject), rendering, std::move(headers), responder);
  const std::string after = "/rendered" + (request.query.empty() ? "" : "?" + request.query);
  const auto url_of_instance = [&](const Found& found) {
    return options_.BaseUrl(request) + "/studies/" + *resource.study + "/series/" + found.series_uid + "/instances/" +
           found.row.uid;
  };
  if (of_each) {
    const auto url_of = [&](const Found& found) { return url_of_instance(found) + after; };
    return SendPictureOfEach(selection.instances, *resource.study, rendering, url_of, std::move(headers), responder);
  }
  const std::vector<uint32_t> frames = resource.frames.empty() ? std::vector{subject.frame + 1} : resource.frames;
  const std::string url = url_of_instance(subject.image) + "/frames/";
  const auto url_of = [&](uint32_t number) { return url + std::to_string(number) + after; };
  return SendPictures(std::move(subject), frames, rendering, url_of, std::move(headers), responder);
}

Status PictureService::SendThumbnail(const Subject& subject, const pixel::RenderOptions& options, bool one_of_many,
                                     const std::string& level_key, http::Headers headers, http::Responder& responder) {
  const uint32_t size = PageSize(options, kDefaultThumbnail);
  auto picture = ReadyThumbnail(subject.image, subject.frame, size, options.type);
  if (!picture.ok()) {
    // Of many instances one that is damaged must not hide that there are others.
    const Code code = picture.status().code();
    if (!one_of_many || code == Code::kCancelled || code == Code::kUnavailable) return picture.status();
    HILUM_ASSIGN_OR_RETURN(const std::string icon, Encoded(PageIcon(size), options));
    return responder.Send(200, std::move(headers), icon);
  }
  if (!level_key.empty()) thumbnails_.Add(level_key, *picture);
  return responder.Send(200, std::move(headers), **picture);
}

Result<std::string> PictureService::FileOf(const Subject& subject, const Opened& opened, const Rendering& rendering,
                                           Room* room, std::string* warning) {
  HILUM_ASSIGN_OR_RETURN(const Shot shot, Take(subject, opened, rendering, room));
  *warning = shot.warning;
  return Encoded(shot.picture, rendering.options);
}

Status PictureService::SendPicture(Subject subject, const Rendering& rendering, http::Headers headers,
                                   http::Responder& responder) {
  Room room;
  std::string warning;
  HILUM_ASSIGN_OR_RETURN(const Opened opened, Open(&subject));
  HILUM_ASSIGN_OR_RETURN(const std::string file, FileOf(subject, opened, rendering, &room, &warning));
  if (!warning.empty()) headers.Add("Warning", http::WarningOf(warning));
  if (room && room->held() > file.size()) room->Shrink(room->held() - file.size());
  responder.CountUnsent(std::move(room));
  return responder.Send(200, std::move(headers), file);
}

// Frames stretched one by one would flicker. The one in the middle counts, as the first ones of an angiography are
// without contrast; if it cannot be read, that is told when it is its turn.
void PictureService::ChooseWindowOfCine(const Subject& subject, const Opened& opened, Rendering* rendering) {
  const uint32_t frames = opened.image ? (*opened.image)->frames() : 0;
  if (frames < 2 || frames > kMostOfCine || subject.state) return;
  const uint32_t middle = frames / 2;
  if (const Status intact = opened.image->Check(middle); !intact.ok()) return;
  const auto window = pixel::StretchingWindow(**opened.image, middle, rendering->options, codec_);
  if (window.ok() && *window) rendering->options.usual_window = **window;
}

Status PictureService::SendCine(Subject subject, Rendering rendering, http::Headers headers,
                                http::Responder& responder) {
  Room room;
  HILUM_ASSIGN_OR_RETURN(const Opened opened, Open(&subject));
  ChooseWindowOfCine(subject, opened, &rendering);
  HILUM_ASSIGN_OR_RETURN(Shot shot, Take(subject, opened, rendering, &room));
  if (!shot.warning.empty()) headers.Add("Warning", http::WarningOf(shot.warning));
  // A state shows the frame it is about.
  uint32_t frames = subject.state ? 1 : shot.frames;
  if (frames > kMostOfCine) {
    headers.Add("Warning", http::WarningOf("of more than " + std::to_string(kMostOfCine) +
                                           " frames no moving picture is made: this is the first one"));
    frames = 1;
  }
  Pace pace(100);
  if (opened.image) {
    HILUM_ASSIGN_OR_RETURN(pace, Pace::Of(opened.image->file().bytes(), options_.ingest.limits));
  }
  HILUM_ASSIGN_OR_RETURN(const auto gif,
                         pixel::GifWriter::Begin(shot.picture.width, shot.picture.height, /*repeats=*/frames > 1));
  HILUM_RETURN_IF_ERROR(responder.Head(200, std::move(headers), std::nullopt));
  if (!responder.wants_body()) return responder.Finish();
  for (uint32_t frame = 0; frame < frames; ++frame) {
    if (frame > 0) {
      subject.frame = frame;
      HILUM_ASSIGN_OR_RETURN(shot, Take(subject, opened, rendering, &room));
    }
    HILUM_RETURN_IF_ERROR(gif->Add(shot.picture, pace.Hundredths(frame)));
    HILUM_RETURN_IF_ERROR(responder.Write(gif->TakeBytes()));
  }
  HILUM_RETURN_IF_ERROR(gif->End());
  HILUM_RETURN_IF_ERROR(responder.Write(gif->TakeBytes()));
  responder.CountUnsent(std::move(room));
  return responder.Finish();
}

Status PictureService::SendPictures(Subject subject, const std::vector<uint32_t>& frames, const Rendering& rendering,
                                    const std::function<std::string(uint32_t)>& url_of, http::Headers headers,
                                    http::Responder& responder) {
  const std::string type(*headers.First("Content-Type"));
  multipart::Writer writer(random_);
  headers.Set("Content-Type", writer.ContentType(type));
  // The last one first: when there is no such frame the client is told before anything is sent.
  const uint32_t last = *std::ranges::max_element(frames);
  Room room;
  HILUM_ASSIGN_OR_RETURN(const Opened opened, Open(&subject));
  const auto file_of = [&](uint32_t number, std::string* warning) {
    subject.frame = number - 1;
    return FileOf(subject, opened, rendering, &room, warning);
  };
  std::string warning, ignored;
  HILUM_ASSIGN_OR_RETURN(const std::string last_file, file_of(last, &warning));
  if (!warning.empty()) headers.Add("Warning", http::WarningOf(warning));
  HILUM_RETURN_IF_ERROR(responder.Head(200, headers, std::nullopt));
  if (!responder.wants_body()) return responder.Finish();
  for (const uint32_t frame : frames) {
    std::string file = last_file;
    if (frame != last) {
      HILUM_ASSIGN_OR_RETURN(file, file_of(frame, &ignored));
    }
    HILUM_RETURN_IF_ERROR(
        responder.Write(writer.PartHead({{"Content-Type", type}, {"Content-Location", url_of(frame)}})));
    HILUM_RETURN_IF_ERROR(responder.Write(file));
  }
  HILUM_RETURN_IF_ERROR(responder.Write(writer.End()));
  responder.CountUnsent(std::move(room));
  return responder.Finish();
}

}  // namespace hilum::dicomweb

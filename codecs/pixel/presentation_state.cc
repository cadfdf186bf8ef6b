#include "codecs/pixel/presentation_state.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "codecs/dicom/charset.h"
#include "codecs/pixel/colour_profile.h"
#include "codecs/pixel/data_set_tree.h"
#include "codecs/pixel/lookup_table.h"

namespace hilum::pixel {
namespace {

using dicom::Tag;

constexpr size_t kMaxPoints = 100'000;  // of one graphic
constexpr size_t kMaxTexts = 500;       // each takes about a millisecond to draw

std::optional<LookupTable> ReadTable(std::span<const DataSetItem> items) {
  if (items.empty()) return std::nullopt;
  const dicom::Element* descriptor = items[0].Find({0x0028, 0x3002});
  const dicom::Element* data = items[0].Find({0x0028, 0x3006});
  if (descriptor == nullptr || data == nullptr) return std::nullopt;
  const auto numbers = ReadLutDescriptor(*descriptor);
  if (!numbers) return std::nullopt;
  std::optional<LookupTable> table = ReadLut(*numbers, *data);
  if (table) CorrectBits({&*table, 1});
  return table;
}

std::vector<ReferencedImage> ReadImages(const DataSetItem& item) {
  std::vector<ReferencedImage> images;
  for (const DataSetItem& one : item.Items({0x0008, 0x1140})) {
    ReferencedImage& image = images.emplace_back();
    image.sop_uid = one.Text({0x0008, 0x1155});
    for (const double frame : one.Numbers({0x0008, 0x1160}))
      if (frame >= 1 && frame <= UINT32_MAX) image.frames.push_back(static_cast<uint32_t>(frame));
  }
  return images;
}

std::optional<GraphicText::Place> ReadPlace(const DataSetItem& item, Tag point, Tag units) {
  const std::vector<double> numbers = item.Numbers(point);
  if (numbers.size() < 2) return std::nullopt;
  return GraphicText::Place{{numbers[0], numbers[1]}, item.Text(units) == "DISPLAY"};
}

std::vector<Point> ReadPoints(const std::vector<double>& numbers) {
  std::vector<Point> points;
  for (size_t i = 0; i + 1 < numbers.size() && points.size() < kMaxPoints; i += 2)
    points.push_back({numbers[i], numbers[i + 1]});
  return points;
}

// Encoded CIELab values (PS3.3 C.10.7.1.1), as sRGB.
std::optional<Colour> ReadLab(const std::vector<double>& encoded) {
  if (encoded.size() < 3) return std::nullopt;
  const double l = encoded[0] * 100 / 65535, a = encoded[1] * 255 / 65535 - 128, b = encoded[2] * 255 / 65535 - 128;
  const auto unfold = [](double t) { return t > 6.0 / 29 ? t * t * t : 3 * 36.0 / 841 * (t - 4.0 / 29); };
  const double y = (l + 16) / 116;
  const double cie_x = 0.9642 * unfold(y + a / 500), cie_y = unfold(y), cie_z = 0.8249 * unfold(y - b / 200);
  // From D50, which the profile connection space has, to the primaries of sRGB.
  const auto gamma = [](double linear) {
    linear = std::clamp(linear, 0.0, 1.0);
    return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
  };
  return Colour{gamma(3.13386 * cie_x - 1.61687 * cie_y - 0.49062 * cie_z),
                gamma(-0.97877 * cie_x + 1.91614 * cie_y + 0.03345 * cie_z),
                gamma(0.07194 * cie_x - 0.22899 * cie_y + 1.40524 * cie_z)};
}

Ink ReadInk(const DataSetItem& style, Tag colour, Tag opacity, const Ink& otherwise) {
  return {ReadLab(style.Numbers(colour)).value_or(otherwise.colour),
          std::clamp(style.Number(opacity, otherwise.opacity), 0.0, 1.0)};
}

// What both kinds of styles begin with.
template <typename Style>
Style ReadStyle(std::span<const DataSetItem> items, const Colour& layer) {
  Style style{.on = {layer}};
  if (items.empty()) return style;
  style.on = ReadInk(items[0], {0x0070, 0x0251}, {0x0070, 0x0284}, style.on);
  style.off = ReadInk(items[0], {0x0070, 0x0252}, {0x0070, 0x0285}, style.off);
  return style;
}

LineStyle ReadLineStyle(std::span<const DataSetItem> items, const Colour& layer) {
  auto style = ReadStyle<LineStyle>(items, layer);
  if (items.empty()) return style;
  style.thickness = std::clamp(items[0].Number({0x0070, 0x0253}, 0), 0.0, 1e4);
  if (items[0].Text({0x0070, 0x0254}) == "DASHED")
    style.pattern = static_cast<uint32_t>(std::clamp(items[0].Number({0x0070, 0x0255}, UINT32_MAX), 0.0, 4294967295.0));
  return style;
}

FillStyle ReadFillStyle(std::span<const DataSetItem> items, const Colour& layer) {
  constexpr size_t kPatternBytes = 128;
  auto style = ReadStyle<FillStyle>(items, layer);
  if (items.empty()) return style;
  const std::string_view mode = items[0].Text({0x0070, 0x0257});  // STIPPELED, as the standard spells it
  const dicom::Element* const pattern = items[0].Find({0x0070, 0x0256});
  if (mode.starts_with("STIPP") && pattern != nullptr && pattern->value.size() == kPatternBytes)
    style.pattern = pattern->value;
  return style;
}

}  // namespace

bool Presentation::has_colours() const {
  const auto coloured = [](const auto& things) {
    return std::ranges::any_of(things, [](const auto& thing) { return !thing.colour.is_grey(); });
  };
  const auto is_coloured = [](const auto& style) {
    return !style.on.colour.is_grey() || (style.off.opacity > 0 && !style.off.colour.is_grey());
  };
  const auto has_colour = [&](const Graphic& graphic) {
    return is_coloured(graphic.line) || (graphic.filled && is_coloured(graphic.fill));
  };
  return !shutter_colour.is_grey() || coloured(overlays) ||
         std::ranges::any_of(annotations, [&](const Annotations& layer) {
           return std::ranges::any_of(layer.graphics, has_colour) || coloured(layer.texts);
         });
}

bool Shutter::Shows(double column, double row) const {
  if (rectangle) {
    const auto& [left, top, right, bottom] = *rectangle;
    if (column < left || row < top || column > right || row > bottom) return false;
  }
  if (circle && std::hypot(column - circle->x, row - circle->y) > radius) return false;
  if (bitmap) {
    const auto x = static_cast<int64_t>(column) - 1 - bitmap->left, y = static_cast<int64_t>(row) - 1 - bitmap->top;
    if (x >= 0 && y >= 0 && x < bitmap->columns && y < bitmap->rows) {
      const auto bit = static_cast<uint64_t>(y * bitmap->columns + x);
      if (bitmap->bits[bit / 8] >> bit % 8 & 1) return false;
    }
  }
  return true;
}

class StateReader {
  struct Layer {
    double order = 0;
    Colour colour;
  };

 public:
  explicit StateReader(const DataSetItem& root) : root_(root) {
    if (const dicom::Element* charset = root.Find(dicom::tags::kSpecificCharacterSet))
      charset_ = dicom::Charset(charset->value);
  }

  PresentationState Read() {
    ReadReferences();
    ReadGrayscale();
    ReadShutter();
    Presentation& common = state_.common_;
    const int degrees = static_cast<int>(std::clamp(root_.Number({0x0070, 0x0042}, 0), 0.0, 3600.0));
    common.quarter_turns = degrees / 90 % 4;
    common.flip = root_.Text({0x0070, 0x0041}) == "Y";
    for (const DataSetItem& item : root_.Items({0x0070, 0x005A})) ReadArea(item);
    for (const DataSetItem& layer : root_.Items({0x0070, 0x0060}))
      layers_[std::string(layer.Text({0x0070, 0x0002}))] = {.order = layer.Number({0x0070, 0x0062}, 0),
                                                            .colour = ReadColour(layer)};
    for (const DataSetItem& item : root_.Items({0x0070, 0x0001})) ReadAnnotations(item);
    for (uint16_t group = 0x6000; group <= 0x601E; group += 2) ReadOverlay(group);
    return std::move(state_);
  }

 private:
  void ReadReferences() {
    for (const DataSetItem& series : root_.Items({0x0008, 0x1115})) {
      for (ReferencedImage& image : ReadImages(series)) {
        image.series_uid = series.Text({0x0020, 0x000E});
        state_.images_.push_back(std::move(image));
      }
    }
  }

  void ReadGrayscale() {
    Presentation& common = state_.common_;
    common.is_grayscale = root_.Text(dicom::tags::kSopClassUid) != "1.2.840.10008.5.1.4.1.1.11.2";
    const dicom::Element* const profile = root_.Find({0x0028, 0x2000});
    if (!common.is_grayscale && profile != nullptr) common.icc_profile = RgbProfileIn(profile->value);
    common.transform.modality_lut = ReadTable(root_.Items({0x0028, 0x3000}));
    common.transform.intercept = root_.Number({0x0028, 0x1052}, 0);
    const double slope = root_.Number({0x0028, 0x1053}, 1);
    common.transform.slope = slope == 0 ? 1 : slope;
    common.presentation_lut = ReadTable(root_.Items({0x2050, 0x0010}));
    common.inverse = root_.Text({0x2050, 0x0020}) == "INVERSE";
    for (const DataSetItem& item : root_.Items({0x0028, 0x3110})) {
      ValueTransform voi;
      if (auto table = ReadTable(item.Items({0x0028, 0x3010}))) voi.voi_luts.push_back(*std::move(table));
      const std::vector<double> centers = item.Numbers({0x0028, 0x1050}), widths = item.Numbers({0x0028, 0x1051});
      const std::string_view function = item.Text({0x0028, 0x1056});
      if (!centers.empty() && !widths.empty() && widths[0] > 0) {
        const VoiFunction kind = function == "SIGMOID"                         ? VoiFunction::kSigmoid
                                 : function == "LINEAR_EXACT" || widths[0] < 1 ? VoiFunction::kLinearExact
                                                                               : VoiFunction::kLinear;
        voi.windows.push_back({.center = centers[0], .width = widths[0], .function = kind});
      }
      state_.voi_.push_back({ReadImages(item), std::move(voi)});
    }
  }

  void ReadShutter() {
    Shutter& shutter = state_.common_.shutter;
    const std::string_view shapes = root_.Text({0x0018, 0x1600});
    if (shapes.find("RECTANGULAR") != std::string_view::npos)
      shutter.rectangle = {root_.Number({0x0018, 0x1602}, 1), root_.Number({0x0018, 0x1606}, 1),
                           root_.Number({0x0018, 0x1604}, 65535), root_.Number({0x0018, 0x1608}, 65535)};
    const std::vector<double> center = root_.Numbers({0x0018, 0x1610});
    if (shapes.find("CIRCULAR") != std::string_view::npos && center.size() >= 2) {
      shutter.circle = {center[1], center[0]};
      shutter.radius = root_.Number({0x0018, 0x1612}, 0);
    }
    if (shapes.find("POLYGONAL") != std::string_view::npos)
      for (const Point& p : ReadPoints(root_.Numbers({0x0018, 0x1620}))) shutter.polygon.push_back({p.y, p.x});
    if (shutter.polygon.size() > 1000) shutter.polygon.clear();  // every row is held against every edge
    const auto group = static_cast<uint16_t>(std::clamp(root_.Number({0x0018, 0x1623}, 0), 0.0, 65535.0));
    if (shapes.find("BITMAP") != std::string_view::npos && IsOverlayGroup(group)) shutter.bitmap = ReadPlane(group);
    const Colour grey = root_.Number({0x0018, 0x1622}, 0) / 65535;
    state_.common_.shutter_colour = ReadLab(root_.Numbers({0x0018, 0x1624})).value_or(grey);
  }

  void ReadArea(const DataSetItem& item) {
    const std::vector<double> a = item.Numbers({0x0070, 0x0052}), b = item.Numbers({0x0070, 0x0053});
    if (a.size() < 2 || b.size() < 2) return;
    // Its corners are those seen, after turns and flips: in the image either may be the lesser.
    DisplayedArea area{.left = std::min(a[0], b[0]) - 1,
                       .top = std::min(a[1], b[1]) - 1,
                       .right = std::max(a[0], b[0]),
                       .bottom = std::max(a[1], b[1])};
    std::vector<double> ratio = item.Numbers({0x0070, 0x0101});
    if (ratio.size() < 2) ratio = item.Numbers({0x0070, 0x0102});
    if (ratio.size() >= 2 && ratio[0] > 0 && ratio[1] > 0) area.aspect = std::clamp(ratio[0] / ratio[1], 0.01, 100.0);
    if (item.Text({0x0070, 0x0100}) == "MAGNIFY") {
      const double magnification = item.Number({0x0070, 0x0103}, 1);
      if (magnification > 0) area.magnification = magnification;
    }
    state_.areas_.push_back({ReadImages(item), area});
  }

  Layer LayerOf(std::string_view name) const {
    const auto found = layers_.find(std::string(name));
    return found == layers_.end() ? Layer() : found->second;
  }

  // What is not activated is not shown.
  void ReadOverlay(uint16_t group) {
    const std::string_view name = root_.Text({group, 0x1001});
    if (name.empty()) return;
    ActiveOverlay overlay{.plane = {.group = group}, .of_image = true, .colour = LayerOf(name).colour};
    if (root_.Find({group, 0x3000}) != nullptr) {
      auto plane = ReadPlane(group);
      if (!plane) return;
      overlay.of_image = false;
      overlay.plane = *std::move(plane);
    }
    state_.common_.overlays.push_back(std::move(overlay));
  }

  static bool IsOverlayGroup(uint16_t group) { return group >= 0x6000 && group <= 0x601E && group % 2 == 0; }

  // Of the state itself; nullopt when it has not all the bits.
  std::optional<Overlay> ReadPlane(uint16_t group) const {
    const dicom::Element* const bits = root_.Find({group, 0x3000});
    if (bits == nullptr) return std::nullopt;
    Overlay plane{.group = group};
    plane.rows = static_cast<uint32_t>(std::clamp(root_.Number({group, 0x0010}, 0), 0.0, 65535.0));
    plane.columns = static_cast<uint32_t>(std::clamp(root_.Number({group, 0x0011}, 0), 0.0, 65535.0));
    const std::vector<double> origin = root_.Numbers({group, 0x0050});
    if (origin.size() >= 2) {
      plane.top = static_cast<int32_t>(std::clamp(origin[0], -32768.0, 32767.0)) - 1;
      plane.left = static_cast<int32_t>(std::clamp(origin[1], -32768.0, 32767.0)) - 1;
    }
    plane.bits = bits->value;
    if (bits->big_endian && bits->vr != dicom::Vr("OB"))
      for (size_t i = 0; i + 1 < plane.bits.size(); i += 2) std::swap(plane.bits[i], plane.bits[i + 1]);
    if (plane.bits.empty() || (uint64_t{plane.rows} * plane.columns + 7) / 8 > plane.bits.size()) return std::nullopt;
    return plane;
  }

  // Recommended Display CIELab Value of a layer, the retired RGB one, or else the grayscale one (PS3.3 C.10.7).
  static Colour ReadColour(const DataSetItem& layer) {
    if (const auto lab = ReadLab(layer.Numbers({0x0070, 0x0401}))) return *lab;
    const std::vector<double> rgb = layer.Numbers({0x0070, 0x0067});
    if (rgb.size() >= 3) return {rgb[0] / 65535, rgb[1] / 65535, rgb[2] / 65535};
    return layer.Number({0x0070, 0x0066}, 65535) / 65535;
  }

  void ReadAnnotations(const DataSetItem& item) {
    const Layer layer = LayerOf(item.Text({0x0070, 0x0002}));
    Annotations annotations{.order = layer.order};
    for (const DataSetItem& object : item.Items({0x0070, 0x0009})) ReadGraphic(object, layer.colour, &annotations);
    for (const DataSetItem& object : item.Items({0x0070, 0x0008}))
      if (texts_++ < kMaxTexts) ReadText(object, layer.colour, &annotations);
    state_.annotations_.push_back({ReadImages(item), std::move(annotations)});
  }

  static void ReadGraphic(const DataSetItem& object, const Colour& colour, Annotations* annotations) {
    using Shape = Graphic::Shape;
    static const std::map<std::string_view, Shape> kShapes = {{"POINT", Shape::kPoint},
                                                              {"POLYLINE", Shape::kPolyline},
                                                              {"INTERPOLATED", Shape::kInterpolated},
                                                              {"CIRCLE", Shape::kCircle},
                                                              {"ELLIPSE", Shape::kEllipse}};
    const auto shape = kShapes.find(object.Text({0x0070, 0x0023}));
    if (shape == kShapes.end()) return;
    annotations->graphics.push_back({.shape = shape->second,
                                     .filled = object.Text({0x0070, 0x0024}) == "Y",
                                     .on_display = object.Text({0x0070, 0x0005}) == "DISPLAY",
                                     .points = ReadPoints(object.Numbers({0x0070, 0x0022})),
                                     .line = ReadLineStyle(object.Items({0x0070, 0x0232}), colour),
                                     .fill = ReadFillStyle(object.Items({0x0070, 0x0233}), colour)});
  }

  void ReadText(const DataSetItem& object, const Colour& colour, Annotations* annotations) {
    GraphicText text{.colour = colour};
    if (const dicom::Element* value = object.Find({0x0070, 0x0006}))
      decoder_.Append(value->value, charset_, dicom::TextKind::kSingle, &text.text);
    std::erase(text.text, '\r');
    while (!text.text.empty() && (text.text.back() == ' ' || text.text.back() == '\0')) text.text.pop_back();
    text.box = ReadPlace(object, {0x0070, 0x0010}, {0x0070, 0x0003});
    text.box_end = ReadPlace(object, {0x0070, 0x0011}, {0x0070, 0x0003});
    text.anchor = ReadPlace(object, {0x0070, 0x0014}, {0x0070, 0x0004});
    text.show_anchor = object.Text({0x0070, 0x0015}) == "Y";
    if (!text.text.empty() && (text.box || text.anchor)) annotations->texts.push_back(std::move(text));
  }

  const DataSetItem& root_;
  dicom::Charset charset_;
  dicom::TextDecoder decoder_;
  std::map<std::string, Layer> layers_;
  size_t texts_ = 0;
  PresentationState state_;
};

bool PresentationState::IsOne(std::string_view sop_class_uid) {
  return sop_class_uid == "1.2.840.10008.5.1.4.1.1.11.1" || sop_class_uid == "1.2.840.10008.5.1.4.1.1.11.2";
}

Result<PresentationState> PresentationState::Read(Bytes file, const dicom::ReadLimits& limits) {
  dicom::Inflated inflated;
  HILUM_ASSIGN_OR_RETURN(const DataSetItem root, ReadTree(file, limits, &inflated));
  if (!IsOne(root.Text(dicom::tags::kSopClassUid)))
    return Invalid("the instance is no grayscale or colour softcopy presentation state");
  return StateReader(root).Read();
}

bool PresentationState::Concerns(const std::vector<ReferencedImage>& images, std::string_view sop_uid, uint32_t frame) {
  if (images.empty()) return true;
  return std::any_of(images.begin(), images.end(), [&](const ReferencedImage& image) {
    return image.sop_uid == sop_uid && (image.frames.empty() || std::find(image.frames.begin(), image.frames.end(),
                                                                          frame + 1) != image.frames.end());
  });
}

std::optional<Presentation> PresentationState::For(std::string_view sop_uid, uint32_t frame) const {
  if (images_.empty() || !Concerns(images_, sop_uid, frame)) return std::nullopt;
  Presentation presentation = common_;
  for (const auto& [images, voi] : voi_) {
    if (!Concerns(images, sop_uid, frame)) continue;
    presentation.transform.windows = voi.windows;
    presentation.transform.voi_luts = voi.voi_luts;
  }
  for (const auto& [images, area] : areas_)
    if (Concerns(images, sop_uid, frame)) presentation.area = area;
  for (const auto& [images, annotations] : annotations_)
    if (Concerns(images, sop_uid, frame)) presentation.annotations.push_back(annotations);
  std::ranges::stable_sort(presentation.annotations, {}, &Annotations::order);
  return presentation;
}

}  // namespace hilum::pixel

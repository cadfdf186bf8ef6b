#include "server/dicomweb/stow_pixels.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>

#include "codecs/dicom/transfer_syntax.h"
#include "codecs/pixel/codec.h"

namespace hilum::dicomweb {
namespace {

using dicom::ModelAttribute;
using dicom::ModelDataSet;
using dicom::Tag;
using dicom::Vr;
namespace t = dicom::tags;

bool Lacks(const ModelDataSet& data_set, Tag tag) {
  const ModelAttribute* attribute = data_set.Find(tag);
  return !attribute || attribute->values.empty() || attribute->values[0].empty();
}

void AddIfLacking(Tag tag, Vr vr, std::string value, ModelDataSet* data_set) {
  if (!Lacks(*data_set, tag)) return;
  auto& attributes = data_set->attributes;
  const auto at = std::ranges::lower_bound(attributes, tag, {}, &ModelAttribute::tag);
  ModelAttribute added{.tag = tag, .vr = vr, .values = {std::move(value)}};
  if (at != attributes.end() && at->tag == tag)
    *at = std::move(added);
  else
    attributes.insert(at, std::move(added));
}

void AddFormat(const pixel::FrameFormat& format, ModelDataSet* data_set) {
  const auto add = [&](Tag tag, uint32_t value) { AddIfLacking(tag, Vr("US"), std::to_string(value), data_set); };
  add(t::kSamplesPerPixel, format.samples);
  AddIfLacking(t::kPhotometricInterpretation, Vr("CS"), std::string(PhotometricName(format.photometric)), data_set);
  if (format.samples > 1) add(t::kPlanarConfiguration, 0);
  add(t::kRows, format.rows);
  add(t::kColumns, format.columns);
  add(t::kBitsAllocated, format.bits_allocated);
  add(t::kBitsStored, format.bits_stored);
  add(t::kHighBit, format.high_bit);
  add(t::kPixelRepresentation, format.is_signed ? 1 : 0);
}

void AddLoss(const pixel::FrameFormat& format, const dicom::ModelBulk& bulk, uint64_t bytes, ModelDataSet* data_set) {
  const pixel::TransferSyntax* const syntax = pixel::FindTransferSyntax(bulk.transfer_syntax);
  if (!syntax || !Lacks(*data_set, t::kLossyImageCompression)) return;
  const auto decoded = static_cast<double>(FrameBytes(format)) * static_cast<double>(bulk.pieces.size());
  char ratio[32];
  std::snprintf(ratio, sizeof(ratio), "%.2f", decoded / static_cast<double>(bytes + 1));
  AddIfLacking(t::kLossyImageCompression, Vr("CS"), "01", data_set);
  AddIfLacking(t::kLossyImageCompressionRatio, Vr("DS"), ratio, data_set);
  AddIfLacking(t::kLossyImageCompressionMethod, Vr("CS"), std::string(LossyMethod(syntax->coding)), data_set);
}

}  // namespace

const PixelDescriber::Told& PixelDescriber::Of(const dicom::ModelBulk& bulk) {
  const auto known = told_.find(&bulk);
  if (known != told_.end()) return known->second;
  const auto bytes = std::accumulate(bulk.pieces.begin(), bulk.pieces.end(), uint64_t{0},
                                     [](uint64_t sum, Bytes piece) { return sum + piece.size(); });
  return told_.emplace(&bulk, Told{pixel::DescribeCodestream(bulk.pieces.front()), bytes}).first->second;
}

Status PixelDescriber::Describe(ModelDataSet* data_set) {
  const ModelAttribute* const pixels = data_set->Find(t::kPixelData);
  if (!pixels || pixels->form != ModelAttribute::Form::kBulk) return Status::Ok();
  const dicom::ModelBulk* const bulk = bulk_(pixels->content);
  if (!bulk || bulk->transfer_syntax.empty() || dicom::IsVideo(bulk->transfer_syntax)) return Status::Ok();
  const Tag macro[] = {
      t::kSamplesPerPixel, t::kPhotometricInterpretation, t::kRows, t::kColumns, t::kBitsAllocated, t::kBitsStored,
      t::kHighBit,         t::kPixelRepresentation};
  const auto* const lacking = std::ranges::find_if(macro, [&](Tag tag) { return Lacks(*data_set, tag); });
  if (lacking == std::end(macro)) return Status::Ok();
  const auto& [description, bytes] = Of(*bulk);
  if (!description.ok())
    return Invalid(ToString(*lacking) +
                   " is missing, and the pixel data do not tell it: " + std::string(description.status().message()));
  AddFormat(description->format, data_set);
  if (bulk->pieces.size() > 1)
    AddIfLacking(t::kNumberOfFrames, Vr("IS"), std::to_string(bulk->pieces.size()), data_set);
  if (description->lossy) AddLoss(description->format, *bulk, bytes, data_set);
  return Status::Ok();
}

}  // namespace hilum::dicomweb

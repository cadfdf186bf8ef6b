#include "server/main/demo.h"

#include <cmath>

#include "codecs/dicom/writer.h"

namespace hilum {
namespace {

using dicom::Part10Writer;
using dicom::Vr;
namespace t = dicom::tags;

// A fixed root below 2.25 (PS3.5 B.2); studies, series and instances count up below it.
const std::string kRoot = "2.25.281094731503920184750192837465019283.";

struct Series {
  int study;
  const char* patient_name;
  const char* patient_id;
  const char* birth_date;
  const char* sex;
  const char* study_date;
  const char* accession;
  const char* study_description;
  const char* modality;
  const char* sop_class;
  const char* description;
  const char* body_part;
  int slices;
  int size;
};

constexpr Series kSeries[] = {
    {1, "Phantom^Ada", "HILUM-1", "19610412", "F", "20260302", "A-1001", "CT of a phantom head", "CT",
     "1.2.840.10008.5.1.4.1.1.2", "Axial 3 mm", "HEAD", 24, 256},
    {2, "Phantom^Grace", "HILUM-2", "19740923", "F", "20260415", "A-1002", "MR of a phantom knee", "MR",
     "1.2.840.10008.5.1.4.1.1.4", "Sagittal T1", "KNEE", 16, 192},
    {3, "Phantom^Alan", "HILUM-3", "19550617", "M", "20260601", "A-1003", "CT of a phantom chest", "CT",
     "1.2.840.10008.5.1.4.1.1.2", "Axial 5 mm", "CHEST", 20, 256},
};

// A skull-like ellipse with a few inclusions that change from slice to slice; Hounsfield-like numbers plus 1024.
std::string Pixels(const Series& series, int slice) {
  struct Ellipse {
    double x, y, rx, ry, value;
  };
  const double z = (slice + 0.5) / series.slices * 2 - 1;
  const double outer = std::sqrt(std::max(0.0, 1 - z * z * 0.6));
  const Ellipse ellipses[] = {
      {0, 0, 0.72 * outer, 0.92 * outer, 1000},  {0, 0, 0.66 * outer, 0.86 * outer, -960},
      {0.22, 0, 0.12, 0.32 * outer, -30},        {-0.22, 0, 0.16, 0.40 * outer, -30},
      {0, 0.35, 0.21 * outer, 0.25 * outer, 25}, {0.05 * series.study, -0.5 * z, 0.06, 0.05, 60},
  };
  std::string pixels;
  pixels.reserve(static_cast<size_t>(series.size) * series.size * 2);
  for (int row = 0; row < series.size; ++row) {
    for (int column = 0; column < series.size; ++column) {
      const double x = (column + 0.5) / series.size * 2 - 1;
      const double y = (row + 0.5) / series.size * 2 - 1;
      double value = 24;
      for (const Ellipse& e : ellipses)
        if (std::pow((x - e.x) / e.rx, 2) + std::pow((y - e.y) / e.ry, 2) <= 1) value += e.value;
      AppendLe<uint16_t>(&pixels, static_cast<uint16_t>(std::max(0.0, value + 1000)));
    }
  }
  return pixels;
}

std::string MakeInstance(const Series& series, int slice) {
  const std::string study_uid = kRoot + std::to_string(series.study);
  const std::string series_uid = study_uid + ".1";
  const std::string sop_uid = series_uid + "." + std::to_string(slice + 1);
  const std::string number = std::to_string(slice + 1);
  Part10Writer out(series.sop_class, sop_uid);
  out.Add({0x0008, 0x0008}, Vr("CS"), "ORIGINAL\\PRIMARY\\AXIAL");
  out.Add(t::kSopClassUid, Vr("UI"), series.sop_class);
  out.Add(t::kSopInstanceUid, Vr("UI"), sop_uid);
  out.Add(t::kStudyDate, Vr("DA"), series.study_date);
  out.Add(t::kStudyTime, Vr("TM"), "101500");
  out.Add(t::kAccessionNumber, Vr("SH"), series.accession);
  out.Add(t::kModality, Vr("CS"), series.modality);
  out.Add({0x0008, 0x0070}, Vr("LO"), "Hilum");
  out.Add(t::kReferringPhysicianName, Vr("PN"), "Example^Referrer");
  out.Add(t::kStudyDescription, Vr("LO"), series.study_description);
  out.Add(t::kSeriesDescription, Vr("LO"), series.description);
  out.Add(t::kPatientName, Vr("PN"), series.patient_name);
  out.Add(t::kPatientId, Vr("LO"), series.patient_id);
  out.Add(t::kPatientBirthDate, Vr("DA"), series.birth_date);
  out.Add(t::kPatientSex, Vr("CS"), series.sex);
  out.Add(t::kBodyPartExamined, Vr("CS"), series.body_part);
  out.Add({0x0018, 0x0050}, Vr("DS"), "3");
  out.Add(t::kStudyInstanceUid, Vr("UI"), study_uid);
  out.Add(t::kSeriesInstanceUid, Vr("UI"), series_uid);
  out.Add(t::kStudyId, Vr("SH"), "1");
  out.Add(t::kSeriesNumber, Vr("IS"), "1");
  out.Add(t::kInstanceNumber, Vr("IS"), number);
  out.Add({0x0020, 0x0032}, Vr("DS"), "-100\\-100\\" + std::to_string(slice * 3));
  out.Add({0x0020, 0x0037}, Vr("DS"), "1\\0\\0\\0\\1\\0");
  out.Add({0x0020, 0x0052}, Vr("UI"), study_uid + ".9");
  out.AddUint16(t::kSamplesPerPixel, 1);
  out.Add(t::kPhotometricInterpretation, Vr("CS"), "MONOCHROME2");
  out.AddUint16(t::kRows, static_cast<uint16_t>(series.size));
  out.AddUint16(t::kColumns, static_cast<uint16_t>(series.size));
  out.Add({0x0028, 0x0030}, Vr("DS"), "0.78125\\0.78125");
  out.AddUint16(t::kBitsAllocated, 16);
  out.AddUint16({0x0028, 0x0101}, 16);
  out.AddUint16({0x0028, 0x0102}, 15);
  out.AddUint16({0x0028, 0x0103}, 0);
  out.Add({0x0028, 0x1050}, Vr("DS"), "40");
  out.Add({0x0028, 0x1051}, Vr("DS"), "200");
  out.Add({0x0028, 0x1052}, Vr("DS"), "-1024");
  out.Add({0x0028, 0x1053}, Vr("DS"), "1");
  out.Add(t::kPixelData, Vr("OW"), Pixels(series, slice));
  return out.Take();
}

}  // namespace

Status MakeDemoInstances(const std::function<Status(const std::string& part10)>& store) {
  for (const Series& series : kSeries)
    for (int slice = 0; slice < series.slices; ++slice) HILUM_RETURN_IF_ERROR(store(MakeInstance(series, slice)));
  return Status::Ok();
}

}  // namespace hilum

#include "fhir/store/recent_references.h"

#include <gtest/gtest.h>

namespace hilum::fhir {
namespace {

const TypeId kPatient = *FindResourceType("Patient");
const TypeId kGroup = *FindResourceType("Group");

TEST(RecentReferences, RemembersWhatWasReferredToBehindAChange) {
  RecentReferences recent;
  recent.Note(7, kPatient, 1);
  EXPECT_TRUE(recent.MayRefer(6, 7, kPatient, 1));
  EXPECT_FALSE(recent.MayRefer(7, 7, kPatient, 1)) << "who searched at change 7 has seen it";
  EXPECT_FALSE(recent.MayRefer(6, 7, kPatient, 2));
  EXPECT_FALSE(recent.MayRefer(6, 7, kGroup, 1));
}

TEST(RecentReferences, ForgetsChangesThatWereUndone) {
  RecentReferences recent;
  recent.Note(8, kPatient, 1);
  recent.Note(9, kPatient, 2);
  EXPECT_FALSE(recent.MayRefer(7, 7, kPatient, 1)) << "there is no change 8";
  recent.Note(8, kPatient, 3);
  EXPECT_TRUE(recent.MayRefer(7, 8, kPatient, 3));
  EXPECT_FALSE(recent.MayRefer(7, 8, kPatient, 2));
}

TEST(RecentReferences, SaysSoWhenItCannotRememberSoFarBack) {
  RecentReferences recent;
  for (uint64_t change = 1; change <= 150'000; ++change) recent.Note(change, kPatient, 1);
  EXPECT_TRUE(recent.MayRefer(10, 150'000, kPatient, 2));
  EXPECT_FALSE(recent.MayRefer(100'000, 150'000, kPatient, 2));
}

}  // namespace
}  // namespace hilum::fhir

#include "base/mapping.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace hilum {
namespace {

class MappingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto file = disk_.Open(path_, OpenMode::kCreateNew);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    ASSERT_TRUE((*file)->WriteAt(0, content_).ok());
    file_ = *file;
  }

  testing::TempDir directory_;
  const std::string path_ = directory_.path() + "/file";
  const std::string content_ = std::string(3 << 20, 'x');
  PosixDisk disk_;
  std::shared_ptr<File> file_;
};

TEST_F(MappingTest, IsAViewOfARange) {
  const auto mapping = Mapping::Map(file_, 5000, 10'000);
  ASSERT_TRUE(mapping.ok());
  EXPECT_TRUE(mapping->bytes() == content_.substr(5000, 10'000));
  EXPECT_TRUE(mapping->Judge(Status::Ok()).ok());
  EXPECT_EQ(Mapping::Map(file_, 1, content_.size()).status().code(), Code::kCorruption);
}

TEST_F(MappingTest, IsACopyWhereThatIsAskedFor) {
  const auto copy = Mapping::Read(*file_, 5000, 10'000);
  ASSERT_TRUE(copy.ok());
  std::filesystem::resize_file(path_, 0);
  EXPECT_TRUE(copy->bytes() == content_.substr(5000, 10'000));
  EXPECT_TRUE(copy->Judge(Status::Ok()).ok());
  EXPECT_EQ(Mapping::Read(*file_, 5000, 10'000).status().code(), Code::kCorruption);
}

TEST_F(MappingTest, WhatCannotBeReadAnyMoreIsZerosAndTold) {
  SurviveBadPages();
  const auto mapping = Mapping::Map(file_, 0, content_.size());
  ASSERT_TRUE(mapping.ok());
  std::filesystem::resize_file(path_, 1 << 20);
  EXPECT_EQ(mapping->bytes()[0], 'x');
  EXPECT_TRUE(mapping->Judge(Status::Ok()).ok()) << "nothing that is missing was read";
  EXPECT_EQ(mapping->bytes()[2 << 20], '\0');
  EXPECT_EQ(mapping->Judge(Status::Ok()).code(), Code::kCorruption);
  EXPECT_EQ(mapping->Judge(Invalid("zeros are no DICOM")).code(), Code::kCorruption);
  const auto another = Mapping::Map(file_, 0, 4096);
  ASSERT_TRUE(another.ok());
  EXPECT_TRUE(another->Judge(Status::Ok()).ok()) << "what a mapping made later shows is sound";
}

}  // namespace
}  // namespace hilum

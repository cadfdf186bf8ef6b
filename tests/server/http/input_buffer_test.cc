#include "server/http/input_buffer.h"

#include <gtest/gtest.h>

namespace hilum::http {
namespace {

TEST(InputBufferTest, WhatWasUsedTakesNoMemoryThoughTheBufferNeverRunsDry) {
  InputBuffer input;
  const std::string request(1000, 'r');
  input.Append(request);
  for (int i = 0; i < 10'000; ++i) {
    input.Append(request);
    input.Consume(request.size());
    ASSERT_EQ(input.bytes().size(), request.size());
  }
  EXPECT_LT(input.capacity(), 16 * request.size());
}

TEST(InputBufferTest, WhatWasNotUsedComesFirst) {
  InputBuffer input;
  input.Append("first second ");
  input.Consume(6);
  input.Append("third");
  EXPECT_EQ(input.bytes(), "second third");
  input.Consume(7);
  input.Append(" fourth");
  EXPECT_EQ(input.bytes(), "third fourth");
  input.Consume(12);
  EXPECT_TRUE(input.empty());
}

}  // namespace
}  // namespace hilum::http

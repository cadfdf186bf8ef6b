// Plain exchanges: methods, targets, bodies, connections that stay or end.
#include "server/http/server.h"

#include <gtest/gtest.h>

#include "tests/server/http/client.h"
#include "tests/server/http/test_server.h"

namespace hilum::http {
namespace {

class ServerTest : public testing::Test {
 protected:
  void SetUp() override { server_.Start(); }
  TestServer server_;
};

TEST_F(ServerTest, AnswersFromTheLoopAndFromWorkersOnOneConnection) {
  Client client(server_.port());
  for (const char* path : {"/inline", "/hello", "/inline", "/hello", "/hello"}) {
    ASSERT_TRUE(client.Send(Get(path)));
    const auto reply = client.Read();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "hello");
    EXPECT_EQ(reply->headers.First("Content-Length"), "5");
    EXPECT_EQ(reply->headers.First("X-Content-Type-Options"), "nosniff");
    EXPECT_TRUE(reply->headers.First("Date"));
    EXPECT_FALSE(reply->headers.First("Connection"));
  }
}

}  // namespace
}  // namespace hilum::http

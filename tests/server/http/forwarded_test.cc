// What reverse proxies say about the request they took, and who is believed.
#include "server/http/forwarded.h"

#include <gtest/gtest.h>

#include "tests/server/http/client.h"
#include "tests/server/http/test_server.h"

namespace hilum::http {
namespace {

TrustedProxies Trusting(const std::vector<std::string>& items) {
  auto trusted = TrustedProxies::Parse(items);
  EXPECT_TRUE(trusted.ok()) << trusted.status().message();
  return *std::move(trusted);
}

// A request that 10.0.0.1, which is trusted like all of 10/8, passes on.
Request Resolved(Headers headers, const std::string& peer = "10.0.0.1") {
  Request request;
  request.headers = std::move(headers);
  request.headers.Add("Host", "inside:8042");
  request.peer = peer;
  ResolveClient(Trusting({"10.0.0.0/8"}), &request);
  return request;
}

TEST(TrustedProxiesTest, HoldsAddressesAndNetworksOfBothFamilies) {
  const TrustedProxies trusted = Trusting({"192.0.2.7", "10.128.0.0/9", "::1", "fd00::/8"});
  for (const char* inside : {"192.0.2.7", "10.128.0.0", "10.255.255.255", "::1", "fd12:3456::1", "::ffff:192.0.2.7"})
    EXPECT_TRUE(trusted.Contains(inside)) << inside;
  for (const char* outside : {"192.0.2.8", "10.127.255.255", "::2", "fe00::1", "", "unknown", "192.0.2.7:80"})
    EXPECT_FALSE(trusted.Contains(outside)) << outside;
  EXPECT_TRUE(Trusting({"0.0.0.0/0"}).Contains("203.0.113.9"));
  EXPECT_FALSE(Trusting({"0.0.0.0/0"}).Contains("2001:db8::1"));
}

TEST(TrustedProxiesTest, RefusesWhatIsNoAddress) {
  for (const char* item : {"", "proxy.test", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::1/129", "10.0.0.1:80", "*"})
    EXPECT_EQ(TrustedProxies::Parse({item}).status().code(), Code::kInvalid) << item;
}

TEST(ForwardedTest, WithoutProxiesTheRequestSpeaksForItself) {
  EXPECT_EQ(Resolved({}).base_url, "http://inside:8042");
  EXPECT_EQ(Resolved({}).peer, "10.0.0.1");
}

TEST(ForwardedTest, TakesTheStandardField) {
  const Request request = Resolved({{"Forwarded", "for=203.0.113.9;proto=https;host=pacs.test"}});
  EXPECT_EQ(request.base_url, "https://pacs.test");
  EXPECT_EQ(request.peer, "203.0.113.9");
  EXPECT_EQ(Resolved({{"Forwarded", "For=\"[2001:db8::9]:4711\" ; Proto=HTTPS ; Host=\"pacs.test:8443\""}}).base_url,
            "https://pacs.test:8443");
  EXPECT_EQ(Resolved({{"Forwarded", "for=\"[2001:db8::9]:4711\""}}).peer, "2001:db8::9");
  EXPECT_EQ(Resolved({{"Forwarded", "for=unknown;proto=https"}}).peer, "10.0.0.1");
}

TEST(ForwardedTest, TakesTheOlderFields) {
  const Headers usual = {{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Proto", "https"}};
  EXPECT_EQ(Resolved(usual).base_url, "https://inside:8042");
  EXPECT_EQ(Resolved(usual).peer, "203.0.113.9");
  EXPECT_EQ(Resolved({{"X-Forwarded-Host", "pacs.test"}, {"X-Forwarded-Port", "8443"}}).base_url,
            "http://pacs.test:8443");
  EXPECT_EQ(Resolved({{"X-Forwarded-Host", "pacs.test"}, {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Port", "443"}})
                .base_url,
            "https://pacs.test");
  EXPECT_EQ(Resolved({{"X-Forwarded-Host", "pacs.test"}, {"X-Forwarded-Prefix", "/pacs/"}}).base_url,
            "http://pacs.test/pacs");
}

TEST(ForwardedTest, TheStandardFieldWins) {
  EXPECT_EQ(Resolved({{"Forwarded", "host=right.test"}, {"X-Forwarded-Host", "wrong.test"}}).base_url,
            "http://right.test");
}

TEST(ForwardedTest, NobodyElseIsBelieved) {
  const Headers lies = {{"Forwarded", "for=203.0.113.9;proto=https;host=evil.test"}, {"X-Forwarded-Host", "evil.test"}};
  const Request request = Resolved(lies, "192.0.2.66");
  EXPECT_EQ(request.base_url, "http://inside:8042");
  EXPECT_EQ(request.peer, "192.0.2.66");
}

TEST(ForwardedTest, OfAChainTheTrustedEndIsBelieved) {
  // The client sent the first element itself; the outer proxy, 10.0.0.2, added the second, the inner one the third.
  const Request standard =
      Resolved({{"Forwarded", "for=1.2.3.4;host=evil.test"},
                {"Forwarded", "for=203.0.113.9;host=pacs.test;proto=https, for=10.0.0.2;host=inner"}});
  EXPECT_EQ(standard.base_url, "https://pacs.test");
  EXPECT_EQ(standard.peer, "203.0.113.9");
  const Request older = Resolved({{"X-Forwarded-For", "1.2.3.4, 203.0.113.9, 10.0.0.2"},
                                  {"X-Forwarded-Host", "evil.test, pacs.test, inner"},
                                  {"X-Forwarded-Proto", "https"}});
  EXPECT_EQ(older.base_url, "https://pacs.test");
  EXPECT_EQ(older.peer, "203.0.113.9");
}

TEST(ForwardedTest, WhatCannotBePartOfAUrlIsIgnored) {
  for (const char* host : {"pacs.test/evil", "pacs.test\" onload=\"", "a b", "<x>"})
    EXPECT_EQ(Resolved({{"X-Forwarded-Host", host}}).base_url, "http://inside:8042") << host;
  for (const char* prefix : {"//evil.test", "pacs", "/pa cs", "/x\"", "/"})
    EXPECT_EQ(Resolved({{"X-Forwarded-Prefix", prefix}}).base_url, "http://inside:8042") << prefix;
  for (const char* port : {"0", "65536", "https", "-1"})
    EXPECT_EQ(Resolved({{"X-Forwarded-Host", "pacs.test"}, {"X-Forwarded-Port", port}}).base_url, "http://pacs.test")
        << port;
  for (const char* field :
       {"nonsense", "host=\"open", ";", ",,,", "for=[;host", "host=a=b;", "=", "proto=ftp", "for=["})
    EXPECT_EQ(Resolved({{"Forwarded", field}}).base_url.substr(0, 7), "http://") << field;
}

TEST(ForwardedTest, ServersResolveEachRequestUnlessTheirUrlIsFixed) {
  const auto url = [](const ServerOptions& options) {
    TestServer server;
    server.Add("/url", [](Request& request, Responder& responder) {
      EXPECT_TRUE(responder.Send(200, {}, request.base_url).ok());
    });
    server.Start(options);
    Client client(server.port());
    EXPECT_TRUE(client.Send(Get("/url", "X-Forwarded-Host: pacs.test\r\n")));
    return client.Read().value_or(Reply()).body;
  };
  ServerOptions options;
  EXPECT_EQ(url(options).find("pacs.test"), std::string::npos);
  options.trusted_proxies = {"127.0.0.0/8"};
  EXPECT_EQ(url(options), "http://pacs.test");
  options.public_url = "https://fixed.test/pacs";
  EXPECT_EQ(url(options), "https://fixed.test/pacs");
}

}  // namespace
}  // namespace hilum::http

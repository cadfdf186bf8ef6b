#include "fhir/validate/xhtml.h"

#include <gtest/gtest.h>

#include <string>

namespace hilum::fhir {
namespace {

TEST(Xhtml, AcceptsNarratives) {
  for (const char* text : {
           "<div/>",
           " <div xmlns=\"http://www.w3.org/1999/xhtml\"><p class='a'>x &lt; y<br/></p><!-- c --></div>\n",
           "<div><table border=\"1\"><tr><td colspan=\"2\">1</td></tr></table><a "
           "href=\"http://a?b=1&amp;c=2\">l</a></div>",
           "<div><img src=\"#x\" alt=\"J&amp;J > K\"/><![CDATA[<script>]]></div>",
       }) {
    EXPECT_EQ(CheckXhtml(text), "") << text;
  }
}

TEST(Xhtml, RefusesWhatIsMalformedOrRuns) {
  for (const std::string& text : {
           std::string(""),
           std::string("text"),
           std::string("<p>x</p>"),
           std::string("<div>"),
           std::string("<div></p>"),
           std::string("<div><b><i></b></i></div>"),
           std::string("<div></div>x"),
           std::string("<div></div><div></div>"),
           std::string("<div><script>x</script></div>"),
           std::string("<div><SCRIPT/></div>"),
           std::string("<div><iframe/></div>"),
           std::string("<div onclick=\"x\"/>"),
           std::string("<div ONCLICK='x'/>"),
           std::string("<div a=1/>"),
           std::string("<div a/>"),
           std::string("<div a=\"x/>"),
           std::string("<div a=\"<\"/>"),
           std::string("<div><a href=\" java\tscript:x\"/></div>"),
           std::string("<div><a href=\"&#106;avascript:x\"/></div>"),
           std::string("<div><a href=\"java&#115;cript:x\"/></div>"),
           std::string("<div><a href=\"&#106;avas&#99;ript:x\"/></div>"),
           std::string("<div><a href=\" &Tab;javascript:x\"/></div>"),
           std::string("<div><a HREF=\"javascript:x\"/></div>"),
           std::string("<!DOCTYPE x><div/>"),
           std::string("<div><!ENTITY a></div>"),
           std::string("<div><?php ?></div>"),
           std::string("<div><!-- </div>"),
           std::string("<div><![CDATA[ </div>"),
           std::string("<divx/>"),
       }) {
    EXPECT_NE(CheckXhtml(text), "") << text;
  }
}

TEST(Xhtml, ListsItsLinks) {
  const std::string text = R"(<div><p title="urn:uuid:1"> href="urn:uuid:2" <!-- <a href="urn:uuid:3"> --></p>)"
                           R"(<a class='x' href = 'urn:uuid:4'>y</a><img src="#i" alt="href"/></div>)";
  ASSERT_EQ(CheckXhtml(text), "");
  EXPECT_EQ(LinksInXhtml(text), (std::vector<std::string_view>{"urn:uuid:4", "#i"}));
}

TEST(Xhtml, BoundsItsDepth) {
  std::string text = "<div>";
  for (int i = 0; i < 300; ++i) text += "<b>";
  EXPECT_EQ(CheckXhtml(text), "is nested too deep");
}

}  // namespace
}  // namespace hilum::fhir

#include "fhir/validate/xhtml.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"

namespace hilum::fhir {
namespace {

constexpr size_t kMaxDepth = 256;

// R4 2.4.0: basic formatting of chapters 7-11 (but 4) and 15 of HTML 4.0, <a> elements, images and style attributes.
constexpr std::array<std::string_view, 63> kAllowed = {
    "a",     "abbr", "acronym",  "address", "b",    "big", "blockquote", "br",    "caption", "center", "cite",
    "code",  "col",  "colgroup", "dd",      "del",  "dfn", "dir",        "div",   "dl",      "dt",     "em",
    "font",  "h1",   "h2",       "h3",      "h4",   "h5",  "h6",         "hr",    "i",       "img",    "ins",
    "kbd",   "li",   "map",      "area",    "menu", "ol",  "p",          "pre",   "q",       "s",      "samp",
    "small", "span", "strike",   "strong",  "sub",  "sup", "table",      "tbody", "td",      "tfoot",  "th",
    "thead", "tr",   "tt",       "u",       "ul",   "var", "bdo",        "label",
};

// Attributes that hold a URL.
constexpr std::array<std::string_view, 4> kLoading = {"href", "src", "cite", "background"};

bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
bool IsNameChar(char c) {
  return IsAlphanumeric(c) || c == '-' || c == ':' || c == '_';
}

class Scanner {
 public:
  // `links` may be nullptr.
  Scanner(std::string_view text, std::vector<std::string_view>* links) : rest_(text), links_(links) {}

  std::string_view Run() {
    SkipSpace();
    if (!rest_.starts_with("<div")) return "must begin with <div";
    do {
      if (rest_.empty()) return "has an element that is not closed";
      if (rest_.front() != '<') {
        rest_.remove_prefix(std::min(rest_.find('<'), rest_.size()));
      } else if (const std::string_view reason = Markup(); !reason.empty()) {
        return reason;
      }
    } while (!open_.empty());
    SkipSpace();
    return rest_.empty() ? std::string_view() : "has text after its </div>";
  }

 private:
  std::string_view Markup() {
    if (Next("<!--")) return SkipPast("-->") ? std::string_view() : "has a comment that does not end";
    if (Next("<![CDATA[")) return SkipPast("]]>") ? std::string_view() : "has a CDATA section that does not end";
    if (rest_.starts_with("<!")) return "must not have a document type or entity declaration";
    if (rest_.starts_with("<?")) return "must not have processing instructions";
    if (Next("</")) {
      const std::string_view name = Name();
      SkipSpace();
      if (!Next(">")) return "has a malformed end tag";
      if (open_.empty() || open_.back() != name) return "has an end tag that does not match";
      open_.pop_back();
      return {};
    }
    Next("<");
    return StartTag();
  }

  std::string_view StartTag() {
    const std::string_view name = Name();
    if (std::ranges::find(kAllowed, name) == kAllowed.end()) return "has an element that narratives may not have";
    for (;;) {
      SkipSpace();
      if (Next("/>")) return {};
      if (Next(">")) break;
      if (const std::string_view reason = Attribute(); !reason.empty()) return reason;
    }
    if (open_.size() == kMaxDepth) return "is nested too deep";
    open_.push_back(name);
    return {};
  }

  std::string_view Attribute() {
    const std::string_view name = Name();
    SkipSpace();
    if (name.empty() || !Next("=")) return "has a malformed attribute";
    SkipSpace();
    if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\'')) return "has an attribute without quotes";
    const size_t end = rest_.find(rest_.front(), 1);
    if (end == rest_.npos) return "has an attribute that does not end";
    const std::string_view value = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    if (value.find('<') != value.npos) return "has '<' in an attribute";
    // Who shows a narrative as HTML has names without case.
    if (EqualsIgnoringCase(name.substr(0, 2), "on") && name.size() > 2) return "must not have event handlers";
    const bool loads =
        std::ranges::any_of(kLoading, [&](std::string_view loading) { return EqualsIgnoringCase(name, loading); });
    if (loads && HasScriptScheme(value)) return "must not have script URLs";
    if (links_ != nullptr && (name == "href" || name == "src")) links_->push_back(value);
    return {};
  }

  // Browsers skip white space and read character references in a scheme, so any '&' in place of a letter of it counts
  // as disguise.
  static bool HasScriptScheme(std::string_view value) {
    std::string_view wanted = "javascript:";
    for (const char c : value) {
      if (static_cast<unsigned char>(c) <= ' ') continue;
      if (c == '&') return true;
      if ((c | 0x20) != (wanted.front() | 0x20)) return false;
      wanted.remove_prefix(1);
      if (wanted.empty()) return true;
    }
    return false;
  }

  std::string_view Name() {
    const auto end = std::ranges::find_if_not(rest_, IsNameChar);
    const std::string_view name = rest_.substr(0, end - rest_.begin());
    rest_.remove_prefix(name.size());
    return name;
  }
  bool Next(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  bool SkipPast(std::string_view token) {
    const size_t at = rest_.find(token);
    if (at == rest_.npos) return false;
    rest_.remove_prefix(at + token.size());
    return true;
  }
  void SkipSpace() {
    const auto end = std::ranges::find_if_not(rest_, IsSpace);
    rest_.remove_prefix(end - rest_.begin());
  }

  std::string_view rest_;
  std::vector<std::string_view> open_;
  std::vector<std::string_view>* links_;
};

}  // namespace

std::string_view CheckXhtml(std::string_view text) {
  return Scanner(text, nullptr).Run();
}

std::vector<std::string_view> LinksInXhtml(std::string_view text) {
  std::vector<std::string_view> links;
  Scanner(text, &links).Run();
  return links;
}

}  // namespace hilum::fhir

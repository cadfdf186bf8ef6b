#include "codecs/dicom/report.h"

#include <algorithm>

#include "base/markup.h"
#include "codecs/dicom/report_tree.h"

namespace hilum::dicom {
namespace {

constexpr size_t kIndent = 2, kDeepest = 12;  // of text: each level, and of all

void AppendEscaped(std::string_view text, std::string* out) {
  for (const char c : text) {
    if (const std::string_view entity = EntityOf(c); !entity.empty())
      out->append(entity);
    else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t')
      out->push_back(c);  // HTML has no other control characters
  }
}

void AppendRow(std::string_view name, std::string_view value, std::string* out) {
  out->append("<tr><th>");
  AppendEscaped(name, out);
  out->append("</th><td>");
  AppendEscaped(value, out);
}

// As deep as the sequences of the data set at most.
void AppendChildren(const ReportTree& tree, const ReportItem& parent, int level, std::string* out) {
  bool in_table = false;
  const auto table = [&](bool wanted) {
    if (wanted != in_table) out->append(wanted ? "<table>\n" : "</table>\n");
    in_table = wanted;
  };
  for (const size_t index : parent.children) {
    const ReportItem& item = tree.items[index];
    const bool section = item.type == "CONTAINER";
    table(!section);
    if (!section) {
      if (item.reference.empty()) {
        AppendRow(item.name, item.value, out);
      } else {
        const ReportReference meant = Follow(tree, item);
        AppendRow(meant.name, meant.value, out);
      }
      AppendChildren(tree, item, level, out);
      out->append("</td></tr>\n");
      continue;
    }
    const std::string heading = "h" + std::to_string(std::min(level, 6));
    out->append("<section><" + heading + ">");
    AppendEscaped(item.name, out);
    out->append("</" + heading + ">\n");
    AppendChildren(tree, item, level + 1, out);
    out->append("</section>\n");
  }
  table(false);
}

// "name: value", further lines of the value below its first. Other control characters than the end of a line mean
// nothing in text, or more than they should on a terminal.
void AppendLines(size_t indent, std::string_view name, std::string_view value, std::string* out) {
  indent = std::min(indent, kDeepest);
  out->append(indent, ' ').append(name);
  if (!name.empty() && !value.empty()) out->append(": ");
  for (size_t i = 0; i < value.size(); ++i) {
    const bool ends_line = value[i] == '\n' || (value[i] == '\r' && !value.substr(i + 1).starts_with('\n'));
    if (ends_line)
      out->append(1, '\n').append(indent + kIndent, ' ');
    else if (static_cast<unsigned char>(value[i]) >= 0x20 || value[i] == '\t')
      out->push_back(value[i]);
  }
  out->push_back('\n');
}

// Likewise.
void AppendChildrenAsText(const ReportTree& tree, const ReportItem& parent, size_t indent, std::string* out) {
  for (const size_t index : parent.children) {
    const ReportItem& item = tree.items[index];
    if (item.type == "CONTAINER") out->push_back('\n');
    if (item.reference.empty()) {
      AppendLines(indent, item.name, item.value, out);
    } else {
      const ReportReference meant = Follow(tree, item);
      AppendLines(indent, meant.name, meant.value, out);
    }
    AppendChildrenAsText(tree, item, indent + kIndent, out);
  }
}

}  // namespace

bool IsReport(std::string_view sop_class_uid) {
  return sop_class_uid.starts_with("1.2.840.10008.5.1.4.1.1.88.");
}

Result<std::string> ReportHtml(Bytes file, const ReadLimits& limits) {
  HILUM_ASSIGN_OR_RETURN(const ReportTree tree, ReadReport(file, limits));
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>";
  AppendEscaped(tree.title(), &html);
  html +=
      "</title>\n<style>body{font:15px/1.4 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
      "table{border-collapse:collapse;margin:.4em 0}th,td{border:1px solid #bbb;padding:.2em .6em;text-align:left;"
      "vertical-align:top;white-space:pre-wrap}th{background:#f2f2f2;font-weight:600}section{margin-left:1em}</style>"
      "</head>\n<body><h1>";
  AppendEscaped(tree.title(), &html);
  html += "</h1>\n<table>\n";
  for (const auto& [label, value] : tree.headings) {
    AppendRow(label, value, &html);
    html += "</td></tr>\n";
  }
  html += "</table>\n";
  AppendChildren(tree, tree.items.front(), 2, &html);
  return html + "</body></html>\n";
}

Result<std::string> ReportText(Bytes file, const ReadLimits& limits) {
  HILUM_ASSIGN_OR_RETURN(const ReportTree tree, ReadReport(file, limits));
  std::string text;
  AppendLines(0, tree.title(), "", &text);
  for (const auto& [label, value] : tree.headings) AppendLines(0, label, value, &text);
  AppendChildrenAsText(tree, tree.items.front(), 0, &text);
  return text;
}

}  // namespace hilum::dicom

#include "codecs/dicom/charset.h"

#include <unicode/ucnv.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/utf8.h"
#include "codecs/dicom/padding.h"

namespace hilum::dicom {
namespace {

constexpr char kEscape = 0x1B;

// What a defined term puts into G0 and G1 (PS3.3 tables C.12-2 to C.12-5), by the digits of its name.
struct Term {
  std::string_view number;
  Repertoire g0, g1;
};
constexpr Term kTerms[] = {
    {"6", Repertoire::kAscii, Repertoire::kDefault},          {"100", Repertoire::kAscii, Repertoire::kLatin1},
    {"101", Repertoire::kAscii, Repertoire::kLatin2},         {"109", Repertoire::kAscii, Repertoire::kLatin3},
    {"110", Repertoire::kAscii, Repertoire::kLatin4},         {"144", Repertoire::kAscii, Repertoire::kCyrillic},
    {"127", Repertoire::kAscii, Repertoire::kArabic},         {"126", Repertoire::kAscii, Repertoire::kGreek},
    {"138", Repertoire::kAscii, Repertoire::kHebrew},         {"148", Repertoire::kAscii, Repertoire::kLatin5},
    {"203", Repertoire::kAscii, Repertoire::kLatin9},         {"166", Repertoire::kAscii, Repertoire::kThai},
    {"13", Repertoire::kJisRoman, Repertoire::kJisKatakana},  {"87", Repertoire::kKanji, Repertoire::kNone},
    {"159", Repertoire::kKanjiSupplement, Repertoire::kNone}, {"149", Repertoire::kAscii, Repertoire::kKorean},
    {"58", Repertoire::kAscii, Repertoire::kChinese},         {"192", Repertoire::kUtf8, Repertoire::kUtf8},
};

// Escape sequences (the same tables): the bytes after ESC.
struct Designation {
  std::string_view bytes;
  bool g1;
  Repertoire repertoire;
};
constexpr Designation kDesignations[] = {
    {"(B", false, Repertoire::kAscii},
    {"-A", true, Repertoire::kLatin1},
    {"-B", true, Repertoire::kLatin2},
    {"-C", true, Repertoire::kLatin3},
    {"-D", true, Repertoire::kLatin4},
    {"-L", true, Repertoire::kCyrillic},
    {"-G", true, Repertoire::kArabic},
    {"-F", true, Repertoire::kGreek},
    {"-H", true, Repertoire::kHebrew},
    {"-M", true, Repertoire::kLatin5},
    {"-b", true, Repertoire::kLatin9},
    {"-T", true, Repertoire::kThai},
    {")I", true, Repertoire::kJisKatakana},
    {"(J", false, Repertoire::kJisRoman},
    {"$B", false, Repertoire::kKanji},
    {"$@", false, Repertoire::kKanji},
    {"$(D", false, Repertoire::kKanjiSupplement},
    {"$)C", true, Repertoire::kKorean},
    {"$)A", true, Repertoire::kChinese},
};

bool IsTwoByte(Repertoire repertoire) {
  return repertoire == Repertoire::kKanji || repertoire == Repertoire::kKanjiSupplement ||
         repertoire == Repertoire::kKorean || repertoire == Repertoire::kChinese;
}

// JIS X 0201 has no such first byte.
bool IsShiftJisPair(Bytes text) {
  if (text.size() < 2) return false;
  const auto lead = static_cast<unsigned char>(text[0]), trail = static_cast<unsigned char>(text[1]);
  return ((lead > 0x80 && lead < 0xA0) || (lead >= 0xE0 && lead < 0xFD)) && trail >= 0x40 && trail != 0x7F &&
         trail < 0xFD;
}

bool IsWholeEncoding(Repertoire repertoire) {
  return repertoire == Repertoire::kUtf8 || repertoire == Repertoire::kGb18030 || repertoire == Repertoire::kGbk;
}

const char* ConverterName(Repertoire repertoire) {
  switch (repertoire) {
    case Repertoire::kLatin1:
      return "ISO-8859-1";
    case Repertoire::kLatin2:
      return "ISO-8859-2";
    case Repertoire::kLatin3:
      return "ISO-8859-3";
    case Repertoire::kLatin4:
      return "ISO-8859-4";
    case Repertoire::kCyrillic:
      return "ISO-8859-5";
    case Repertoire::kArabic:
      return "ISO-8859-6";
    case Repertoire::kGreek:
      return "ISO-8859-7";
    case Repertoire::kHebrew:
      return "ISO-8859-8";
    case Repertoire::kLatin5:
      return "ISO-8859-9";
    case Repertoire::kLatin9:
      return "ISO-8859-15";
    case Repertoire::kThai:
      return "TIS-620";
    case Repertoire::kKanji:
    case Repertoire::kKanjiSupplement:
      return "EUC-JP";
    case Repertoire::kShiftJis:
      return "Shift_JIS";
    case Repertoire::kKorean:
      return "EUC-KR";
    case Repertoire::kChinese:
      return "GB2312";
    case Repertoire::kGb18030:
      return "gb18030";
    case Repertoire::kGbk:
      return "GBK";
    default:
      return "UTF-8";
  }
}

// "ISO_IR 100", "ISO 2022 IR 100", "ISO-IR-100" and the like to "100"; other names to their capitals and digits.
std::string Simplify(std::string_view term) {
  std::string simple;
  for (const char c : term) {
    if (IsAlphanumeric(c)) simple.push_back(UpperCase(c));
  }
  for (const std::string_view prefix : {"ISO2022IR", "ISOIR", "IR"}) {
    if (simple.starts_with(prefix)) return simple.substr(prefix.size());
  }
  return simple;
}

std::optional<Term> FindTerm(std::string_view term) {
  const std::string simple = Simplify(term);
  if (simple == "GB18030") return Term{"", Repertoire::kGb18030, Repertoire::kGb18030};
  if (simple == "GBK" || simple == "GB2312") return Term{"", Repertoire::kGbk, Repertoire::kGbk};
  if (simple == "UTF8") return Term{"", Repertoire::kUtf8, Repertoire::kUtf8};
  if (simple.starts_with("ISO8859") || simple.starts_with("LATIN1")) {
    constexpr std::string_view kNumbers[] = {"100", "101", "109", "110", "144", "127", "126", "138", "148"};
    if (simple == "ISO885915") return FindTerm("203");
    const char part = simple.size() == 8 ? simple[7] : '1';
    return FindTerm(part >= '1' && part <= '9' ? kNumbers[part - '1'] : "100");
  }
  const auto* found =
      std::find_if(std::begin(kTerms), std::end(kTerms), [&](const Term& t) { return t.number == simple; });
  if (found == std::end(kTerms)) return std::nullopt;
  return *found;
}

template <typename Use>
void ForEachTerm(std::string_view value, const Use& use) {
  while (true) {
    const size_t end = std::min(value.find('\\'), value.size());
    use(value.substr(0, end));
    if (end == value.size()) break;
    value.remove_prefix(end + 1);
  }
}

}  // namespace

bool IsAsciiIn(Bytes text, const Charset& charset) {
  if (charset.g0() == Repertoire::kJisRoman) return false;
  bool other = false;  // without a way out of the loop it takes many bytes at a time
  for (const char c : text) other |= c == kEscape || static_cast<signed char>(c) < 0;
  return !other;
}

std::vector<std::string> CharacterSetTerms() {
  std::vector<std::string> terms;
  for (const Term& term : kTerms) {
    const bool two_byte = IsTwoByte(term.g0) || IsTwoByte(term.g1);
    if (!two_byte) terms.push_back("ISO_IR " + std::string(term.number));
    if (!IsWholeEncoding(term.g0)) terms.push_back("ISO 2022 IR " + std::string(term.number));
  }
  terms.insert(terms.end(), {"GB18030", "GBK"});
  return terms;
}

Charset::Charset(std::string_view value) {
  bool first = true;
  ForEachTerm(value, [&](std::string_view term) { AddTerm(term, std::exchange(first, false)); });
}

bool IsKnownCharset(std::string_view value) {
  bool known = true;
  ForEachTerm(value,
              [&](std::string_view term) { known = known && (Unpadded(term).empty() || FindTerm(term).has_value()); });
  return known;
}

void Charset::AddTerm(std::string_view text, bool first) {
  const std::optional<Term> term = FindTerm(text);
  if (!term) return;
  if (first) {
    // A two-byte set as the first term waits for its escape sequence like the others.
    g0_ = IsTwoByte(term->g0) ? Repertoire::kAscii : term->g0;
    g1_ = term->g1;
  }
  if (IsWholeEncoding(g0_) || IsWholeEncoding(term->g0)) return;  // no code extensions with these (PS3.3 C.12.1.1.2)
  // A single term that forgets to say "ISO 2022" does not make the escape sequences in the text less meant.
  extended_ = true;
  if (fallback_ == Repertoire::kNone && term->g1 != Repertoire::kDefault) fallback_ = term->g1;
  // "\ISO 2022 IR 149": bytes above 0x7F belong to what follows, not to what an old writer may have meant.
  if (!first && g1_ == Repertoire::kDefault && term->g1 != Repertoire::kNone) g1_ = Repertoire::kNone;
}

// The state of one Append: what G0 and G1 are at this byte, and the run of bytes not converted yet.
class TextDecoder::Run {
 public:
  Run(TextDecoder* decoder, const Charset& charset, TextKind kind, std::string* out)
      : decoder_(decoder), charset_(charset), kind_(kind), out_(out), g0_(charset.g0()), g1_(charset.g1()) {}

  void Decode(Bytes text) {
    while (!text.empty()) text.remove_prefix(Step(text));
    Flush();
  }

 private:
  // Takes one character, or one escape sequence, from the front.
  size_t Step(Bytes text) {
    const auto byte = static_cast<unsigned char>(text[0]);
    if (byte == kEscape) {
      if (const size_t length = Designate(text.substr(1)); length != 0) return 1 + length;
      return Take(text.substr(0, 1), Repertoire::kAscii);
    }
    if (byte < 0x80) {
      if (IsTwoByte(g0_) && byte > 0x20 && byte != 0x7F) return Take(text.substr(0, 2), g0_);
      if (Resets(byte)) {
        g0_ = charset_.g0();
        g1_ = charset_.g1();
      }
      // A backslash parts values whatever it looks like in the character set.
      return Take(text.substr(0, 1), byte == '\\' || IsTwoByte(g0_) ? Repertoire::kAscii : g0_);
    }
    const Repertoire set = g1_ == Repertoire::kNone ? charset_.fallback() : g1_;
    if (set == Repertoire::kJisKatakana && IsShiftJisPair(text)) return Take(text.substr(0, 2), Repertoire::kShiftJis);
    return Take(text.substr(0, IsTwoByte(set) ? 2 : 1), set);
  }

  size_t Designate(Bytes after_escape) {
    for (const Designation& designation : kDesignations) {
      if (!after_escape.starts_with(designation.bytes)) continue;
      (designation.g1 ? g1_ : g0_) = designation.repertoire;
      return designation.bytes.size();
    }
    return 0;
  }

  bool Resets(unsigned char byte) const {
    if (byte == '\t' || byte == '\n' || byte == '\f' || byte == '\r') return true;
    if (byte == '\\') return kind_ != TextKind::kSingle;
    return kind_ == TextKind::kPersonName && (byte == '^' || byte == '=');
  }

  // Collects neighbours of one repertoire, which are converted together.
  size_t Take(Bytes character, Repertoire repertoire) {
    if (repertoire != run_repertoire_) Flush();
    run_repertoire_ = repertoire;
    run_.append(character);
    return character.size();
  }

  void Flush() {
    if (!run_.empty()) decoder_->AppendConverted(run_, run_repertoire_, out_);
    run_.clear();
  }

  TextDecoder* const decoder_;
  const Charset& charset_;
  const TextKind kind_;
  std::string* const out_;
  Repertoire g0_, g1_;
  Repertoire run_repertoire_ = Repertoire::kNone;
  std::string run_;
};

TextDecoder::TextDecoder() = default;
TextDecoder::~TextDecoder() = default;

void TextDecoder::Close::operator()(UConverter* converter) const {
  ucnv_close(converter);
}

void TextDecoder::Append(Bytes text, const Charset& charset, TextKind kind, std::string* out) {
  if (IsAsciiIn(text, charset)) {
    out->append(text);
  } else if (IsWholeEncoding(charset.g0())) {
    AppendConverted(text, charset.g0(), out);
  } else if (!charset.extended() && charset.g1() == Repertoire::kDefault) {
    AppendConverted(text, Repertoire::kDefault, out);
  } else {
    Run(this, charset, kind, out).Decode(text);
  }
}

void TextDecoder::AppendConverted(Bytes bytes, Repertoire repertoire, std::string* out) {
  switch (repertoire) {
    case Repertoire::kAscii:
      out->append(bytes);
      return;
    case Repertoire::kNone:
      for (size_t i = 0; i < bytes.size(); ++i) out->append(kReplacement);
      return;
    case Repertoire::kDefault:
      if (IsUtf8(bytes)) {
        out->append(bytes);
        return;
      }
      for (const char c : bytes) AppendUtf8(static_cast<unsigned char>(c), out);
      return;
    case Repertoire::kUtf8:
      if (!IsUtf8(bytes)) break;
      out->append(bytes);
      return;
    case Repertoire::kJisRoman:
      for (const char c : bytes) AppendUtf8(c == '\\' ? 0xA5 : c == '~' ? 0x203E : static_cast<unsigned char>(c), out);
      return;
    case Repertoire::kJisKatakana:
      for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0xA1 && byte <= 0xDF)
          AppendUtf8(0xFF61 + (byte - 0xA1), out);
        else
          out->append(kReplacement);
      }
      return;
    default:
      break;
  }
  std::string adapted;
  if (repertoire == Repertoire::kKanji || repertoire == Repertoire::kKanjiSupplement) {
    // The seven-bit pairs of G0, as EUC-JP has them.
    for (size_t i = 0; i < bytes.size(); i += 2) {
      if (repertoire == Repertoire::kKanjiSupplement) adapted.push_back('\x8F');
      for (const char c : bytes.substr(i, 2)) adapted.push_back(static_cast<char>(c | 0x80));
    }
    bytes = adapted;
  }
  UConverter* converter = Open(repertoire);
  if (converter == nullptr) {
    for (size_t i = 0; i < bytes.size(); ++i) out->append(kReplacement);
    return;
  }
  ucnv_resetToUnicode(converter);
  const char* source = bytes.data();
  const char* const source_end = source + bytes.size();
  UChar utf16[256];
  UErrorCode error = U_BUFFER_OVERFLOW_ERROR;
  UChar lead = 0;
  while (error == U_BUFFER_OVERFLOW_ERROR) {
    error = U_ZERO_ERROR;
    UChar* target = utf16;
    ucnv_toUnicode(converter, &target, std::end(utf16), &source, source_end, nullptr, /*flush=*/true, &error);
    for (const UChar* unit = utf16; unit != target; ++unit) {
      if (U16_IS_LEAD(*unit)) {
        lead = *unit;
      } else if (U16_IS_TRAIL(*unit) && lead != 0) {
        AppendUtf8(U16_GET_SUPPLEMENTARY(lead, *unit), out);
        lead = 0;
      } else {
        // ICU replaces a single bad byte by SUB where the code page has one.
        AppendUtf8(*unit == 0x1A ? 0xFFFD : *unit, out);
      }
    }
  }
}

UConverter* TextDecoder::Open(Repertoire repertoire) {
  auto& converter = converters_[static_cast<size_t>(repertoire)];
  if (!converter) {
    UErrorCode error = U_ZERO_ERROR;
    converter.reset(ucnv_open(ConverterName(repertoire), &error));
    if (U_FAILURE(error)) converter.reset();
  }
  return converter.get();
}

}  // namespace hilum::dicom

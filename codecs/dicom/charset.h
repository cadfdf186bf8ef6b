// Text of a data set to UTF-8, as its Specific Character Set (0008,0005) says (PS3.3 C.12.1.1.2, PS3.5 6.1).
//
// Never fails: bytes that mean nothing in the character set become U+FFFD. Lenient with what is written in real files:
// misspelt terms ("ISO IR 100", "utf-8") are understood; Shift JIS in "ISO_IR 13" is; without a term, or with an
// unknown one, text that is UTF-8 is taken as UTF-8 and anything else as ISO 8859-1; in an extended character set
// without an escape sequence the first set that has the bytes is used.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

struct UConverter;

namespace hilum::dicom {

// Sets of graphic characters.
enum class Repertoire : uint8_t {
  kNone,
  kDefault,  // no term: ASCII, and what the file's writer thought to be right above
  kAscii,
  kLatin1,
  kLatin2,
  kLatin3,
  kLatin4,
  kCyrillic,
  kArabic,
  kGreek,
  kHebrew,
  kLatin5,
  kLatin9,
  kThai,
  kJisRoman,         // JIS X 0201, G0 half
  kJisKatakana,      // JIS X 0201, G1 half
  kShiftJis,         // pairs of it where JIS X 0201 has nothing: what writers of "ISO_IR 13" often meant
  kKanji,            // JIS X 0208
  kKanjiSupplement,  // JIS X 0212
  kKorean,           // KS X 1001
  kChinese,          // GB 2312
  kUtf8,
  kGb18030,
  kGbk,
};

// A value of Specific Character Set. A small value type, copied freely.
class Charset {
 public:
  Charset() = default;
  // `value` as it stands in the file: terms parted by backslashes.
  explicit Charset(std::string_view value);

  Repertoire g0() const { return g0_; }              // for bytes below 0x80 until an escape sequence
  Repertoire g1() const { return g1_; }              // for bytes above until an escape sequence
  Repertoire fallback() const { return fallback_; }  // for bytes above when G1 is empty
  bool extended() const { return extended_; }        // escape sequences count
  bool operator==(const Charset&) const = default;

 private:
  void AddTerm(std::string_view term, bool first);

  Repertoire g0_ = Repertoire::kAscii;
  Repertoire g1_ = Repertoire::kDefault;
  Repertoire fallback_ = Repertoire::kNone;
  bool extended_ = false;
};

// Whether `text` is the same bytes in UTF-8.
bool IsAsciiIn(Bytes text, const Charset& charset);

// Whether every term of a value of Specific Character Set is understood; one that is left empty is.
bool IsKnownCharset(std::string_view value);

// The terms of PS3.3 C.12.1.1.2 that are understood.
std::vector<std::string> CharacterSetTerms();

// Which characters end the effect of escape sequences (PS3.5 6.1.2.5.3), besides the ends of lines and pages.
enum class TextKind : uint8_t {
  kSingle,      // ST LT UT: none
  kMultiple,    // backslash
  kPersonName,  // backslash, '^' and '='
};

// Decodes with converters that are opened once. Not thread-safe; make one per read.
class TextDecoder {
 public:
  TextDecoder();
  ~TextDecoder();
  TextDecoder(const TextDecoder&) = delete;
  TextDecoder& operator=(const TextDecoder&) = delete;

  // Appends `text`, padding and delimiters included, as UTF-8. A backslash in the result is always a delimiter or, in
  // TextKind::kSingle, a character: never half of a multi-byte one.
  void Append(Bytes text, const Charset& charset, TextKind kind, std::string* out);

 private:
  class Run;
  void AppendConverted(Bytes bytes, Repertoire repertoire, std::string* out);
  UConverter* Open(Repertoire repertoire);

  struct Close {
    void operator()(UConverter* converter) const;
  };
  std::array<std::unique_ptr<UConverter, Close>, static_cast<size_t>(Repertoire::kGbk) + 1> converters_;
};

}  // namespace hilum::dicom

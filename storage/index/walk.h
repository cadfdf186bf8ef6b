// Puts the members of a bitmap in order, a page at a time. Not thread-safe; one for each page.
#pragma once

#include "storage/index/lists.h"
#include "storage/index/position.h"

namespace hilum::storage {

class Walker {
 public:
  Walker(Lists& lists, CollectionId collection, uint64_t offset, size_t limit)
      : lists_(lists), collection_(collection), skip_(offset), limit_(limit) {}

  // Call once.
  Result<Page> Run(const Bitmap& matches, const std::vector<SortKey>& sort, const std::optional<Cursor>& after,
                   const std::vector<MovedDoc>& moved);

 private:
  struct Key {
    const FieldSpec* field;
    bool descending;
  };
  // Where a document stands in the order of one key; nullopt: it has no value, and comes last.
  using Position = std::optional<std::string>;
  struct Row {
    std::vector<Position> positions;
    Doc doc;
  };

  Status SetOrder(const std::vector<SortKey>& sort);
  Status SetResume(const Cursor& after);
  Result<Cursor> CursorAfter(Doc doc);
  // Those of `moved` that are among `docs`, which it leaves, and behind the cursor.
  std::vector<Row> Take(const std::vector<MovedDoc>& moved, bool resume, Bitmap* docs) const;
  // Puts them between what was given out.
  Status Merge(std::vector<Row> moved);

  // Each gives out `docs` by the keys from `key` on. `resume`: the cursor stands among them; they are equal to it in
  // the keys before.
  Status Order(const Bitmap& docs, size_t key, bool resume);
  Status OrderByDoc(const Bitmap& docs, bool resume);
  Status OrderByBuckets(const Bitmap& docs, size_t key, int level, const Extent& within, bool resume);
  Status OrderByTexts(const Bitmap& docs, size_t key, bool resume);
  // Goes through the lists of [lower, upper), reads the value that each is of, and has the members of `docs` ordered of
  // every value that they have, until the page is full. Gives up between two values once it takes longer than reading
  // the columns of `docs`; then that is the last value that is done.
  template <typename Value, typename Read, typename OrderGroup>
  Result<std::optional<Value>> ScanGroups(const Bitmap& docs, const std::string& lower, const std::string& upper,
                                          bool descending, const Read& read, const OrderGroup& order);
  // The same of many with a value of one second. REQUIRES: dates.
  Status OrderByTimes(const Bitmap& docs, size_t key, bool resume);
  // Reads the positions of all of them. `beyond`: only those behind this position of `key`.
  Status OrderByColumns(const Bitmap& docs, size_t key, bool resume, const std::string* beyond = nullptr);

  // Whether reading the rows of so many members takes less than going through the lists of a finer level, `lists` in
  // all, until the page is full.
  bool RowsTakeLess(uint64_t members, uint64_t lists) const;
  // Takes a group of equal documents as skipped.
  bool Skips(const Bitmap& docs, bool resume);
  // Those of `docs` whose position among several values fits.
  Result<Bitmap> Belonging(Bitmap docs, size_t key, const std::function<bool(const std::string&)>& fits);
  Result<std::vector<Row>> ReadRows(const Bitmap& docs, size_t key);
  bool Before(const Row& a, const Row& b, size_t key) const;

  bool full() const { return page_.size() > limit_; }

  Lists& lists_;
  const CollectionId collection_;
  uint64_t skip_;
  const size_t limit_;

  std::vector<Key> keys_;
  bool docs_descending_ = false;
  Row resume_;
  std::vector<Doc> page_;    // one more than the limit, when there is
  std::vector<Row> merged_;  // of what is in it, when some have moved
};

}  // namespace hilum::storage
